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
  const { code, retryable = false, says, attempts } = expected;
  expect(error).toMatchObject({ code, retryable, backend: "aws-kms", keyId: signer.keyId, info: { exception } });
  expect(error.operation).toMatch(/^(Sign|GetPublicKey)$/);
  for (const part of [`${error.operation} failed with ${exception}: `, ...says]) expect(error.message).toMatch(part);
  // The first GetPublicKey succeeds, but for what no request gets past.
  const requests = kms.server.requests.slice(before).filter(({ operation }) => operation === error.operation);
  if (attempts !== undefined) expect(requests).toHaveLength(attempts);
  expectStripped(error.cause, exception, requests.length);
  const { httpStatusCode, requestId } = (error.cause as { $metadata: { httpStatusCode?: number; requestId?: string } })
    .$metadata;
  expect(error.requestId).toBe(requestId);
  if (httpStatusCode === 400) expect(requestId).toMatch(/^[\da-f-]{36}$/);
  for (const planted of [SECRET, TOKEN, "AWS4-HMAC-SHA256", "Signature="]) {
    expect(`${error.message} ${String(error.cause)} ${JSON.stringify(error)}`).not.toContain(planted);
  }
}

/** A plain Error with the name, the text and the metadata, and nothing of the SDK's own. */
export function expectStripped(cause: unknown, exception: string, attempts: number): void {
  expect(cause).toBeInstanceOf(Error);
  expect(Object.prototype.toString.call(cause)).toBe("[object Error]");
  expect((cause as Error).name).toBe(exception);
  expect(Reflect.ownKeys(cause as object).sort()).toEqual(["$metadata", "message", "name", "stack"]);
  const { $metadata } = cause as { $metadata: object };
  expect(Object.keys($metadata).sort()).toEqual(["attempts", "httpStatusCode", "requestId"]);
  if (attempts > 0 && exception !== "AbortError") expect($metadata).toMatchObject({ attempts });
}
