/**
 * What the doctor signs. With the prefix of EIP-191 its digest is never that of a transaction, an authorization or typed data,
 * and the text says to everybody that nothing follows from the signature.
 */
export const TEST_MESSAGE = "ethers-hsm doctor: this signature shows that the key can sign, and means nothing else.";
