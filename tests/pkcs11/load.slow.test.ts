import { createHash, createPublicKey, verify } from "node:crypto";
import { afterAll, expect, test } from "@jest/globals";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { encodeBase64, getBytes, type Signature } from "ethers";
import { Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { memoryInUse } from "../support/memory.ts";
import { createToken } from "../support/softhsm-env.ts";

const SIGNATURES = 10_000;
const IN_FLIGHT = 50;
const WARM_UP = 2_000;
const ALLOWED_GROWTH = 2 * 1024 * 1024;

const token = createToken("load");
token.generateKey({ label: "hot" });
const signer = new Pkcs11Signer({
  libraryPath: token.libraryPath,
  tokenLabel: token.label,
  pin: token.pin,
  keyLabel: "hot",
});

afterAll(() => signer.close());

test(`${SIGNATURES} signatures with ${IN_FLIGHT} in flight: each verified by OpenSSL and by recovery, memory flat`, async () => {
  const publicKey = getBytes(await signer.getPublicKey());
  const openSsl = openSslKey(publicKey);
  const hex = Buffer.from(publicKey).toString("hex");
  let begun = 0;
  let right = 0;
  let baseline = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (begun < SIGNATURES) {
        const message = Buffer.from(`payment ${begun}`);
        begun += 1;
        const digest = new Uint8Array(createHash("sha256").update(message).digest());
        const signature = await signer.signDigest(digest);
        const compact = compactOf(signature);
        const verified = verify("sha256", message, { key: openSsl, dsaEncoding: "ieee-p1363" }, compact);
        const recovered = secp256k1.Signature.fromBytes(compact)
          .addRecoveryBit(signature.yParity)
          .recoverPublicKey(digest);
        if (verified && recovered.toHex(false) === hex) right += 1;
        if (right === WARM_UP) baseline = await memoryInUse();
      }
    }),
  );
  expect(right).toBe(SIGNATURES);
  expect((await memoryInUse()) - baseline).toBeLessThan(ALLOWED_GROWTH);
}, 600_000);

function compactOf({ r, s }: Signature): Uint8Array {
  return Uint8Array.of(...getBytes(r), ...getBytes(s));
}

function openSslKey(publicKey: Uint8Array) {
  const url = (bytes: Uint8Array) => encodeBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const [x, y] = [url(publicKey.slice(1, 33)), url(publicKey.slice(33))];
  return createPublicKey({ key: { kty: "EC", crv: "secp256k1", x, y }, format: "jwk" });
}
