import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";

let made: ReturnType<typeof make> | undefined;

/** RSA-2048, and keys of other kinds and sizes. They differ in each run: what OpenSSL reads of them does not. */
export function rsaKeys() {
  made ??= make();
  return made;
}

function make() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const others: KeyObject[] = [
    generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey,
    generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
    generateKeyPairSync("ec", { namedCurve: "P-256", paramEncoding: "explicit" }).privateKey,
    generateKeyPairSync("ed25519").privateKey,
    generateKeyPairSync("x25519").privateKey,
  ];
  return { privateKey, publicKey: createPublicKey(privateKey), others };
}
