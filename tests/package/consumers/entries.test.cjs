// What an application's own tests do, in jest with its default settings: CommonJS, and no transformation of packages.

const { expect, test } = require("@jest/globals");

/** @type {Record<string, unknown>} */
const entries = require("ethers-hsm/package.json").exports;

for (const [name, files] of Object.entries(entries)) {
  // The others are not for applications, or need a native addon.
  if (typeof files === "string" || name === "./secp256k1") continue;
  test(`requires ${name}`, () => {
    expect(Object.keys(require(`ethers-hsm${name.slice(1)}`))).not.toHaveLength(0);
  });
}

test("signs with a key in memory", async () => {
  const { RemoteSigner } = require("ethers-hsm");
  const { TestKey } = require("ethers-hsm/testing");
  const { verifyMessage } = require("ethers");
  const signer = await RemoteSigner.create(new TestKey(`0x${"2a".repeat(32)}`));
  expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(await signer.getAddress());
});

test("loads the SDK of a backend late", async () => {
  const { signerFromUri } = require("ethers-hsm/uri");
  const awsKms = {
    endpoint: "http://127.0.0.1:1",
    credentials: { accessKeyId: "id", secretAccessKey: "secret" },
    maxAttempts: 1,
  };
  const signer = await signerFromUri("aws-kms:alias/treasury?region=eu-west-1", null, { awsKms });
  await expect(signer.getAddress()).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE", backend: "aws-kms" });
});
