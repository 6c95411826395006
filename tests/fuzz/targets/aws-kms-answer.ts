import { strictEqual } from "node:assert";
import { createPublicKey } from "node:crypto";
import { hexlify } from "ethers";
import { type PublishedKey, requireUsableKey } from "../../../src/aws-kms/response.ts";
import { isSignerError } from "../../../src/core/errors.ts";
import { spkiOf } from "../../support/hostile/index.ts";
import { mutateJson } from "../support/json-mutation.ts";
import { points } from "../support/points.ts";
import { sec1OfJwk } from "../support/sec1-of-jwk.ts";
import { bytesOf, jsonOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

const ID = "1234abcd-12ab-34cd-56ef-1234567890ab";
const ASKED = `arn:aws:kms:eu-west-1:111122223333:key/${ID}`;

/** GetPublicKey's answer as the SDK makes it of the JSON: the public key is bytes where it is text there. */
function answerOf(input: Uint8Array): never {
  const answer = jsonOf(input);
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return {} as never;
  const { PublicKey, ...others } = answer as Record<string, unknown>;
  const key = typeof PublicKey === "string" ? new Uint8Array(Buffer.from(PublicKey, "base64")) : undefined;
  return { ...texts(others), PublicKey: key } as never;
}

/** The SDK's deserializer expects text, and gives text or nothing. */
function texts(fields: Record<string, unknown>): Record<string, unknown> {
  const isText = (value: unknown) => typeof value === "string";
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => isText(value) || (Array.isArray(value) && value.every(isText))),
  );
}

/** What KMS says of a key: one that passes is named as asked, and is the key that OpenSSL reads of the same bytes. */
export const target: FuzzTarget<PublishedKey> = {
  maxLength: 16_384,
  seeds: () =>
    points().flatMap((point) => {
      const answer = {
        KeyId: ASKED,
        PublicKey: Buffer.from(spkiOf(point.toBytes(false))).toString("base64"),
        KeySpec: "ECC_SECG_P256K1",
        KeyUsage: "SIGN_VERIFY",
        SigningAlgorithms: ["ECDSA_SHA_256"],
      };
      const { KeySpec: CustomerMasterKeySpec, ...older } = answer;
      return [answer, { ...older, KeyId: ID, CustomerMasterKeySpec }].map((each) => bytesOf(JSON.stringify(each)));
    }),
  decode: (input) => requireUsableKey(answerOf(input), ASKED),
  allows: (error) => isSignerError(error, "BACKEND_RESPONSE_INVALID") || isSignerError(error, "KEY_UNUSABLE"),
  confirm(input, { arn, publicKey }) {
    strictEqual(arn.endsWith(ID), true);
    const { PublicKey } = answerOf(input) as { PublicKey: Uint8Array };
    const theirs = createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
    strictEqual(hexlify(publicKey), sec1OfJwk(theirs.export({ format: "jwk" })));
  },
  mutate: (input, random, other) => mutateJson(input, random, other),
};
