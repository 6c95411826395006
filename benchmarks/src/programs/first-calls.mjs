// Times the first signatures of this process: ethers' own, or those of a RemoteSigner whose key has them ready and whose public key was
// fetched, so that what it does is verification; or the first verifications of @noble/curves alone. A program of plain Node: a loader
// would warm up what is to be seen cold.

import { createRequire } from "node:module";

const [, , what, json = ""] = process.argv;
const { privateKey, publicKey, digest, r, s } = JSON.parse(json);
const { concat, getBytes, SigningKey } = await import("ethers");
const { RemoteSigner } = await import("ethers-hsm");

const key = new SigningKey(privateKey);
const signature = { r: BigInt(r), s: BigInt(s) };
const signer = new RemoteSigner({
  backend: "ready",
  id: "ready",
  getPublicKey: async () => getBytes(publicKey),
  signDigest: async () => signature,
});
await signer.getAddress();

/** The one that the library uses: the published signers have others. */
async function loadNoble() {
  return import(createRequire(import.meta.resolve("ethers-hsm")).resolve("@noble/curves/secp256k1.js"));
}

const noble = what === "noble" ? (await loadNoble()).secp256k1 : undefined;
const [bytes, hash, compact] = [publicKey, digest, concat([r, s])].map((value) => getBytes(value));

/** Fewer than the library waits for before it makes a table. */
const CALLS = 20;
const times = [];
for (let call = 0; call < CALLS; call += 1) {
  const started = performance.now();
  if (what === "sign") key.sign(digest);
  else if (noble) noble.verify(compact, hash, bytes, { prehash: false });
  else await signer.signDigest(digest);
  times.push(performance.now() - started);
}
console.log(JSON.stringify(times));
