// The public keys of the roots, not their certificates: Marvell's first certificate expired in 2025 and was issued again for the same key.

/**
 * Marvell LiquidSecurity, `localca.liquidsecurity.cavium.com`. SHA-256 of its SubjectPublicKeyInfo:
 * 78adcba1f38bee304bc44d6a086503f2940037d4b3d58a1bf66a3282ef58cd41
 *
 * https://www.marvell.com/products/security-solutions/nitrox-hs-adapters/liquidsecurity-certificate.html
 */
const MARVELL_LS1 = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA3JL6kDOHL2Y3cqjixjE4yicL38SToVasOqaI4FDM9dFVO89wrSa8B3BE
sBA1MVJDMc6H+eZBaK1ES2lVQo3nWGrhIrJ2cMElpAHpqfRkRJvIl+gV7aGfFQ1qDth9ACYhwjOtqiXmVV4ZvAP81htD8i6wiDR9
Ms/WoegXMHbGRi70L5KVDSYcFTK2/ZyPQZUZk1oaKLdWEk3+434mxJHP6TftBM99ERWi9zIciGjSUttvtdLZ8uLDlE7DxLVymoeZ
j5R6Z6xnAdfM+WMYK9LwzWMfhQjxqPeVxq6vTWHzTJcLEnhUq/A9VUOx2ZoqXkwdYUE1EMPyv0ZrcOTYpY5GEwIDAQAB
-----END PUBLIC KEY-----`;

/**
 * Marvell LiquidSecurity 2, `cavium-liquidsecurity-ls2`. SHA-256 of its SubjectPublicKeyInfo:
 * f84b0610f2ca68f1f936c12c37a22794b59a2afa54f55f8d3c977232c5b97d7c
 *
 * https://www.marvell.com/products/security-solutions/nitrox-hs-adapters/
 */
const MARVELL_LS2 = `-----BEGIN PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAzzHwkk8uJQtTOWacMpNCkW+DSLLkZqOPtW05TTiyzM5XFwVYzhpQiEbG
rttsq1ftLEyK5HvB9IiRNb47kBHeQb4/GE8rJx8poBLQdM7fx5GYjWr3gTbqD+Sfj7ofwQJY5xGbVTE2WMQk2wdzo0LDc2i1UV95
+8RiCmPY1LlEZxaz0hw+Fd/Pu4R0DrS1oR3KG+p62g9ChhQoWlYHe66E5e5hS43KJeoN6bpAsbXOVzt1r21n0f/FllTB+E/ENiGL
uPo9BuBuiiQ39yxULb202K1NnwIoU/EugYMkwoKhXzsqf1Rx7xDr7rHu4a+eCkm7NOSxfsXr2EQ8D6rCY+7n41zNrE0e2B99ywz7
VijPQckXsRDBdvx5JPvb1jsoc4X+sw6/ekKkpUhWkyuV89msix/ykQwMoYrIednbtXJ3VjCQcYunDmgSxty2XPPRhsqe2PmytOhB
+VGP/wZvbtbhKAUnwWlpOc2cesRJQqteAWB9KEDvA5lt0/OA1tEPWR16m2rKnBdivY4aWqJ1ZEW2hCwuObL4M7v9jxPQrMjlak2l
LZ/E/8mVbTvSYJbQGa8xkHL1BqsmOHA5YoPaVGoNYKSC5EmmMqcsFRSOOcFZC4mcVhwu4zUga8gGFHIy6+y6/6LA3BpshoB99vnk
0rnaNHr3lc3nf9Wqtb8YZdVFtdsCAwEAAQ==
-----END PUBLIC KEY-----`;

/**
 * Google, "Hawksbill Root v1 prod". SHA-256 of its SubjectPublicKeyInfo:
 * 11fa0c80423f28ee497a189bed4f7043629be7a7642d20eee9347a73c1ff46e8
 *
 * https://www.gstatic.com/cloudhsm/roots/global_1498867200.pem
 */
const HAWKSBILL = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArC6oYokhoHCS37COw5NNJjjbpaJfax5tqGwsg9ZbmvgCoPiwFvtc2rmb
uYtNvBUm4A5PL7UgQxwxfl7BZ6k2yBlewrWotpZ2kHtVFU1TFhDwYtXYmBnHng6yaSaj89ml03CIIaxiEnsqviAuM9ubkKexvw/A
EXrCmKmMTTanH2ZTCJNLOhIeGj8rwl2LS5fUFw9Bgyep8+DZgvhcN9QeXeSoPVl8Q2TmAtc1OfSV23ccc3gvxCaNZNQB4IbaPyfH
nb0yJeTUNGoThyqFGc4YQ0bFQYqBZsplbsGhznF01LB3tzU5DcniyH6BabEEOF3B/ZIzuu2F05HQlnjWMPxWGQIDAQAB
-----END PUBLIC KEY-----`;

/** The roots that a Marvell HSM's certificates lead to: PEM of their public keys. */
export const MARVELL_ROOTS: readonly string[] = [MARVELL_LS1, MARVELL_LS2];

/** The root by which Google certifies the HSMs of Cloud KMS as its own: PEM of its public key. */
export const GOOGLE_ROOTS: readonly string[] = [HAWKSBILL];
