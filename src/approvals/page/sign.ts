import { decodeBase64, encodeBase64 } from "ethers";
import type { QuorumApproval } from "../approval.ts";
import type { QuorumTokenFile } from "../token-file.ts";

const ALGORITHM = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const MODULUS_BITS = 2048;
const PEM = /^\s*-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----\s*$/;
const FORM =
  "The key must be PKCS#8 in PEM without a passphrase: openssl pkcs8 -topk8 -nocrypt -in bob.pem -out bob.pkcs8.pem. Remove that file after use.";

/** Signs a token by WebCrypto. The key is not extractable, and nothing keeps it. */
export async function signApproval(token: QuorumTokenFile, username: string, pem: string): Promise<QuorumApproval> {
  if (username === "") throw new Error("Type your name in the HSM.");
  const key = await importKey(pem);
  const { modulusLength, publicExponent } = key.algorithm as RsaHashedKeyAlgorithm;
  const exponent = publicExponent.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  if (modulusLength !== MODULUS_BITS || exponent < 65_537n) {
    throw new Error("The key must be RSA-2048 with a public exponent of at least 65,537.");
  }
  const data = Uint8Array.from(decodeBase64(token.approval_data));
  const signature = await crypto.subtle.sign(ALGORITHM.name, key, data);
  return { username, role: "crypto-user", signature: encodeBase64(new Uint8Array(signature)) };
}

async function importKey(pem: string): Promise<CryptoKey> {
  const [, body] = PEM.exec(pem) ?? [];
  if (body === undefined) throw new Error(FORM);
  try {
    const der = Uint8Array.from(decodeBase64(body.replace(/\s/g, "")));
    return await crypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
  } catch {
    throw new Error(FORM);
  }
}
