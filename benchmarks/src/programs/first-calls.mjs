// Times the first verifications, or the first signatures of ethers, of this process. A program of plain Node: a loader would warm
// up what is to be seen cold.

const [, , what, json = ""] = process.argv;
const { privateKey, publicKey, digest, r, s } = JSON.parse(json);
const { getBytes, SigningKey } = await import("ethers");
const { verifiedYParity } = await import("ethers-hsm");

const key = new SigningKey(privateKey);
const signed = { publicKey: getBytes(publicKey), digest: getBytes(digest), signature: { r: BigInt(r), s: BigInt(s) } };

/** Fewer than the library waits for before it makes a table. */
const CALLS = 20;
const times = [];
for (let call = 0; call < CALLS; call += 1) {
  const started = performance.now();
  if (what === "sign") key.sign(signed.digest);
  else verifiedYParity(signed.publicKey, signed.digest, signed.signature);
  times.push(performance.now() - started);
}
console.log(JSON.stringify(times));
