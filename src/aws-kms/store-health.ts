import { getBytes, hashMessage } from "ethers";
import type { StoreHealth } from "../accounts/key-store.ts";
import { isSignerError, type SignerError } from "../core/errors.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import type { StoreRequests } from "./store-requests.ts";

/** So many of the keys are asked for: each DryRun counts in the quota of signatures. */
const SAMPLE = 10;

// Where a DryRun is not heeded, as by emulators, this is what is signed: a message that nobody can take for anything else.
const DIGEST = getBytes(hashMessage("ethers-hsm asks whether it may sign, with DryRun"));

/** One ListKeys, and a DryRun of Sign for up to ten keys. @throws the signal's reason alone. */
export async function readHealth(
  requests: StoreRequests,
  arns: Iterable<string>,
  options: CallOptions,
): Promise<StoreHealth> {
  const refused = await failureOf(() => requests.listKeys({ Limit: 1 }, options), options);
  const reachable = refused === undefined || answered(refused);
  const canList = refused === undefined || (refused.code === "ACCESS_DENIED" && reachable ? false : undefined);
  if (!reachable) return { reachable, canList, canSign: undefined, error: refused };
  const failures = await Promise.all(sampleOf(arns).map((arn) => failureOfSign(requests, arn, options)));
  const denied = failures.find((failure) => failure?.code === "ACCESS_DENIED");
  const canSign = denied ? false : failures.includes(undefined) || undefined;
  return { reachable, canList, canSign, error: refused ?? denied ?? failures.find((failure) => failure !== undefined) };
}

/** Whether AWS itself said no: what never got that far has no request's id. */
function answered(error: SignerError): boolean {
  return error.requestId !== undefined;
}

function sampleOf(arns: Iterable<string>): readonly string[] {
  const sample: string[] = [];
  for (const arn of arns) {
    if (sample.length === SAMPLE) break;
    sample.push(arn);
  }
  return sample;
}

/** https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html */
async function failureOfSign(
  requests: StoreRequests,
  arn: string,
  options: CallOptions,
): Promise<SignerError | undefined> {
  const request = { KeyId: arn, Message: DIGEST, MessageType: "DIGEST", SigningAlgorithm: "ECDSA_SHA_256" } as const;
  const failure = await failureOf(() => requests.sign({ ...request, DryRun: true }, options), options);
  return failure?.info?.["exception"] === "DryRunOperationException" ? undefined : failure;
}

async function failureOf(call: () => Promise<unknown>, { signal }: CallOptions): Promise<SignerError | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    if (signal?.aborted || !isSignerError(error)) throw error;
    return error;
  }
}
