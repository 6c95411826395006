import { expect } from "@jest/globals";
import type { Signer, TransactionRequest } from "ethers";
import { dataSlice, decodeRlp, isHexString, Signature, Transaction, toBeHex } from "ethers";
import type { Pair } from "./context.ts";

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/** The parts of an error of ethers that programs look at, and its text, which people do. */
export interface Failure {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly shortMessage?: unknown;
  readonly argument?: unknown;
  readonly value?: unknown;
  readonly operation?: unknown;
  readonly info?: unknown;
  readonly message?: unknown;
}

function hasPayload(info: unknown): boolean {
  return typeof info === "object" && info !== null && "payload" in info;
}

/** What `action` rejects with. It must be a rejection: a `Signer`'s methods never throw at the call. */
export async function failureOf(action: () => Promise<unknown>): Promise<Failure> {
  const promise = action();
  let outcome: unknown;
  try {
    outcome = await promise;
  } catch (error) {
    const { name, code, shortMessage, argument, value, operation, info, message } = error as Failure;
    const facts = { name, code, shortMessage, argument, value, operation };
    // What the node answered to carries the running number of its request, in `info` and so in the message.
    return hasPayload(info) ? facts : { ...facts, info, message };
  }
  throw new Error(`should have failed, but gave ${String(outcome)}`);
}

/** The signer fails at `action` exactly as the wallet does, and that is as `expected`. */
export async function expectSameFailure(
  { signer, wallet }: Pair,
  action: (signer: Signer) => Promise<unknown>,
  expected: Failure,
): Promise<void> {
  const [actual, control] = [await failureOf(() => action(signer)), await failureOf(() => action(wallet))];
  expect(control).toMatchObject(expected);
  expect(actual).toEqual(control);
}

/** A signature as Ethereum accepts it: r and s not zero, s in the lower half, a parity of 0 or 1. */
export function expectCanonical(signature: Signature): void {
  expect(BigInt(signature.r)).toBeGreaterThan(0n);
  expect(BigInt(signature.s)).toBeGreaterThan(0n);
  expect(BigInt(signature.s)).toBeLessThanOrEqual(HALF_ORDER);
  expect([0, 1]).toContain(signature.yParity);
  expect(signature.isValid()).toBe(true);
}

/** 65 bytes r, s, v with v as `eth_sign` has it, 27 or 28, that recover to a signature in canonical form. */
export function expectSerialized(serialized: string): Signature {
  expect(isHexString(serialized, 65)).toBe(true);
  expect(["0x1b", "0x1c"]).toContain(dataSlice(serialized, 64));
  const signature = Signature.from(serialized);
  expectCanonical(signature);
  return signature;
}

// Decoders accept several forms of the parity; nodes do not. So it is read from the bytes, not through a Transaction.
function readWireParity(serialized: string): string {
  const type = Number(dataSlice(serialized, 0, 1));
  let fields = decodeRlp(type >= 0x80 ? serialized : `0x${serialized.slice(4)}`);
  // With a sidecar the transaction is the first of several lists.
  if (Array.isArray(fields[0])) fields = fields[0];
  const parity = fields.at(-3);
  if (typeof parity !== "string") throw new Error(`no parity in ${serialized}`);
  return parity;
}

function allowedParities({ type, chainId }: Transaction): string[] {
  if (type !== 0) return ["0x", "0x01"];
  const zero = chainId === 0n ? 27n : 35n + 2n * chainId;
  return [toBeHex(zero), toBeHex(zero + 1n)];
}

/** Every field that is not the signature. */
function fieldsOf(transaction: Transaction): Record<string, unknown> {
  const { type, to, nonce, gasLimit, gasPrice, maxFeePerGas, maxPriorityFeePerGas, data, value, chainId } = transaction;
  const { accessList, authorizationList, maxFeePerBlobGas, blobVersionedHashes, blobs, blobWrapperVersion } =
    transaction;
  return {
    ...{ type, to, nonce, gasLimit, gasPrice, maxFeePerGas, maxPriorityFeePerGas, data, value, chainId },
    ...{ accessList, authorizationList, maxFeePerBlobGas, blobVersionedHashes, blobs, blobWrapperVersion },
  };
}

/** A signed transaction that is `address`'s and, but for the signature, the same as the wallet's. Returns it decoded. */
export function expectSameSerialized(actual: string, control: string, address: string): Transaction {
  const [decoded, expected] = [Transaction.from(actual), Transaction.from(control)];
  expect(fieldsOf(decoded)).toEqual(fieldsOf(expected));
  expect(decoded.unsignedHash).toBe(expected.unsignedHash);
  expect(decoded.from).toBe(address);
  if (decoded.signature === null) throw new Error("not signed");
  expectCanonical(decoded.signature);
  expect(allowedParities(decoded)).toContain(readWireParity(actual));
  return decoded;
}

/** The signer signs what the wallet signs. Returns the transaction for explicit expectations. */
export async function expectSameTransaction(pair: Pair, request: TransactionRequest): Promise<Transaction> {
  const actual = await pair.signer.signTransaction(request);
  const control = await pair.wallet.signTransaction(request);
  return expectSameSerialized(actual, control, pair.wallet.address);
}
