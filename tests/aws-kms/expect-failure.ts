import { expect } from "@jest/globals";
import { isSignerError, type SignerErrorCode } from "ethers-hsm";
import { type KmsKeyOptions, KmsSigner } from "ethers-hsm/aws-kms";
import { DIGEST, type Kms, rejectionOf } from "./support.ts";

export const SECRET = "planted-secret";
export const TOKEN = "planted-session-token";

export interface Expected {
  readonly code: SignerErrorCode;
  readonly retryable?: boolean;
  /** Parts of the message. */
  readonly says: readonly (string | RegExp)[];
  /** Who failed. Default: KMS. */
  readonly source?: string;
  /** The requests of the SDK, its repetitions included. */
  readonly attempts?: number;
}

/** Signs with a known public key, so that Sign fails; checks everything that an error promises. */
export async function expectFailure(
  kms: Kms,
  options: Partial<KmsKeyOptions>,
  expected: Expected,
  exception: string,
): Promise<void> {
  const credentials = { accessKeyId: "AKIATESTTESTTESTTEST", secretAccessKey: SECRET, sessionToken: TOKEN };
  const signer = new KmsSigner(kms.options({ credentials, ...options }));
  const before = kms.server.requests.length;
  const error = await rejectionOf(signer.signDigest(DIGEST));
  await signer.close();
  if (!isSignerError(error)) throw error;
  const { code, retryable = false, says, attempts, source } = expected;
  expect(error).toMatchObject({
    code,
    retryable,
    backend: "aws-kms",
    keyId: signer.keyId,
    info: { errorCode: exception },
  });
  expect(error.operation).toMatch(/^(signDigest|getPublicKey)$/);
  const request = error.operation === "signDigest" ? "Sign" : "GetPublicKey";
  const where = source === undefined ? "" : ` at ${source}`;
  for (const part of [`${request} failed${where} with ${exception}: `, ...says]) expect(error.message).toMatch(part);
  expect(error.info?.["source"]).toBe(source ?? "AWS KMS");
  // The first GetPublicKey succeeds, but for what no request gets past.
  const requests = kms.server.requests.slice(before).filter(({ operation }) => operation === request);
  if (attempts !== undefined) expect(requests).toHaveLength(attempts);
  expectStripped(error.cause, exception);
  const { statusCode, requestId } = error.cause as { statusCode?: number; requestId?: string };
  expect(error.requestId).toBe(requestId);
  if (statusCode === 400) expect(requestId).toMatch(/^[\da-f-]{36}$/);
  for (const planted of [SECRET, TOKEN, "AWS4-HMAC-SHA256", "Signature="]) {
    expect(`${error.message} ${String(error.cause)} ${JSON.stringify(error)}`).not.toContain(planted);
  }
}

/** A plain Error with the name, the text and what identifies the request, and nothing of the SDK's own. */
export function expectStripped(cause: unknown, exception: string): void {
  expect(cause).toBeInstanceOf(Error);
  expect(Object.prototype.toString.call(cause)).toBe("[object Error]");
  expect((cause as Error).name).toBe(exception);
  expect(Reflect.ownKeys(cause as object).sort()).toEqual([
    "code",
    "message",
    "name",
    "requestId",
    "stack",
    "statusCode",
  ]);
}
