import { strictEqual } from "node:assert";
import type { KeyObject } from "node:crypto";
import { isError } from "ethers";
import { readPrivateKey } from "../../../src/approvals/rsa-key.ts";
import { rsaKeys } from "../support/rsa-keys.ts";
import { bytesOf, textOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

/** An approver's private key: PEM where it begins with a hyphen, else DER. What is accepted is RSA-2048, and private. */
export const target: FuzzTarget<KeyObject> = {
  maxLength: 8_192,
  *seeds() {
    const { privateKey, publicKey, others } = rsaKeys();
    for (const type of ["pkcs8", "pkcs1"] as const) {
      yield privateKey.export({ format: "der", type });
      yield bytesOf(privateKey.export({ format: "pem", type }).toString());
    }
    yield bytesOf(publicKey.export({ format: "pem", type: "spki" }).toString());
    for (const other of others) yield bytesOf(other.export({ format: "pem", type: "pkcs8" }).toString());
  },
  decode: (input) => readPrivateKey(input[0] === 0x2d ? textOf(input) : input),
  // OpenSSL tries each form of a private key, and checks it. It is the approver's own key: no one else chooses it.
  msPerKilobyte: 5,
  allows: (error) => isError(error, "INVALID_ARGUMENT"),
  confirm(_input, key) {
    strictEqual(key.type, "private");
    const { n = "" } = key.export({ format: "jwk" });
    strictEqual(BigInt(`0x${Buffer.from(n, "base64url").toString("hex")}`).toString(2).length, 2048);
  },
};
