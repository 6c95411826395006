import { strictEqual } from "node:assert";
import { createPublicKey, type KeyObject } from "node:crypto";
import { isError } from "ethers";
import { readPublicKey } from "../../../src/approvals/rsa-key.ts";
import { rsaKeys } from "../support/rsa-keys.ts";
import { bytesOf, textOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

/** An approver's public key: PEM where it begins with a hyphen, else DER. What is accepted is RSA-2048, and public. */
export const target: FuzzTarget<KeyObject> = {
  maxLength: 8_192,
  *seeds() {
    const { privateKey, publicKey, others } = rsaKeys();
    yield publicKey.export({ format: "der", type: "spki" });
    for (const type of ["spki", "pkcs1"] as const) yield bytesOf(publicKey.export({ format: "pem", type }).toString());
    yield bytesOf(privateKey.export({ format: "pem", type: "pkcs8" }).toString());
    for (const other of others) {
      yield createPublicKey(other).export({ format: "der", type: "spki" });
      yield bytesOf(createPublicKey(other).export({ format: "pem", type: "spki" }).toString());
    }
  },
  decode: (input) => readPublicKey(input[0] === 0x2d ? textOf(input) : input, "alice"),
  allows: (error) => isError(error, "INVALID_ARGUMENT"),
  confirm(_input, key) {
    strictEqual(key.type, "public");
    const { n = "" } = key.export({ format: "jwk" });
    strictEqual(BigInt(`0x${Buffer.from(n, "base64url").toString("hex")}`).toString(2).length, 2048);
  },
};
