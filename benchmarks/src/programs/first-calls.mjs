// Times the first signatures of this process: ethers' own, or those of a RemoteSigner whose key has them ready, so that what it does is
// verification. A program of plain Node: a loader would warm up what is to be seen cold.

const [, , what, json = ""] = process.argv;
const { privateKey, publicKey, digest, r, s } = JSON.parse(json);
const { getBytes, SigningKey } = await import("ethers");
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

/** Fewer than the library waits for before it makes a table. */
const CALLS = 20;
const times = [];
for (let call = 0; call < CALLS; call += 1) {
  const started = performance.now();
  if (what === "sign") key.sign(digest);
  else await signer.signDigest(digest);
  times.push(performance.now() - started);
}
console.log(JSON.stringify(times));
