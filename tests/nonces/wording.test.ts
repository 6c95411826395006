import { expect, test } from "@jest/globals";
import { makeError } from "ethers";
import { readVerdict } from "../../src/nonces/wording.ts";

test.each([
  // go-ethereum, core/txpool and core/error.go
  ["already known", "has-it"],
  ["nonce too low: next nonce 7, tx nonce 3", "used"],
  ["replacement transaction underpriced", "occupied"],
  ["address already reserved", "occupied"],
  ["transaction underpriced: tip needed 1, tip permitted 0", "refused"],
  ["insufficient funds for gas * price + value: balance 0, tx cost 1, overshot 1", "refused"],
  ["intrinsic gas too low: gas 1, minimum needed 21000", "refused"],
  ["exceeds block gas limit", "refused"],
  ["txpool is full", "early"],
  ["in-flight transaction limit reached for delegated accounts", "early"],
  ["gapped-nonce tx from delegated accounts", "early"],
  ["nonce too high", "early"],
  // Nethermind, AcceptTxResult
  ["AlreadyKnown", "has-it"],
  ["OldNonce, Current nonce: 7, nonce of rejected tx: 3", "used"],
  ["ReplacementNotAllowed", "occupied"],
  ["NonceGap, Future nonce. Expected nonce: 3", "early"],
  ["nonce too far in future", "early"],
  ["FeeTooLow, MaxFeePerGas needs to be higher than 1 to be added to the TxPool.", "refused"],
  ["InsufficientFunds, Account balance: 0, cumulative cost: 1", "refused"],
  // Besu, RpcErrorType
  ["Known transaction", "has-it"],
  ["Nonce too low", "used"],
  ["Replacement transaction underpriced", "occupied"],
  ["Transaction nonce is too distant from current sender nonce", "early"],
  ["An invalid transaction with a lower nonce exists", "early"],
  ["Gas price below configured minimum gas price", "refused"],
  ["Upfront cost exceeds account balance", "refused"],
  // Erigon, txpoolcfg
  ["ALREADY_EXISTS: already known", "has-it"],
  ["existing txn with same hash", "has-it"],
  ["INTERNAL_ERROR: nonce too low", "used"],
  ["could not replace existing tx", "occupied"],
  ["can't replace blob-txn with a non-blob-txn", "occupied"],
  ["fee too low", "refused"],
  // reth
  ["max fee per gas less than block base fee", "refused"],
  // Arbitrum Nitro
  ["nonce too high: address 0x00, tx: 7 state: 3", "early"],
  // anvil
  ["transaction already imported", "has-it"],
  ["Insufficient funds for gas * price + value", "refused"],
  // Hardhat
  ["Nonce too low. Expected nonce to be 7 but got 3.", "used"],
  [
    "Nonce too high. Expected nonce to be 3 but got 7. Note that transactions can't be queued when automining.",
    "early",
  ],
  ["Sender doesn't have enough funds to send tx.", "refused"],
  // What no table has, and what is a contract's own text.
  ["unknown transaction", "unknown"],
  ["Internal error", "unknown"],
  ["execution reverted: nonce too low", "unknown"],
  ["execution reverted: invalid nonce", "unknown"],
  ["rate limit exceeded", "unknown"],
] as const)("%s is %s", (message, verdict) => {
  const error = { code: -32000, message };
  expect(readVerdict(makeError("could not coalesce error", "UNKNOWN_ERROR", { error } as never))).toEqual({
    verdict,
    text: message,
  });
  expect(
    readVerdict(makeError("nonce has already been used", "NONCE_EXPIRED", { info: { error } } as never)).verdict,
  ).toBe(verdict);
  const responseBody = JSON.stringify({ jsonrpc: "2.0", id: 1, error });
  expect(
    readVerdict(makeError("server response 500", "SERVER_ERROR", { info: { responseBody } } as never)).verdict,
  ).toBe(verdict);
  expect(readVerdict(Object.assign(new Error(message), error)).verdict).toBe(verdict);
});

test.each([new Error("socket hang up"), makeError("timeout", "TIMEOUT", {} as never), undefined, "nonce too low"])(
  "what is not a JSON-RPC error is unknown",
  (error) => {
    expect(readVerdict(error)).toEqual({ verdict: "unknown", text: undefined });
  },
);

test("a body that is not JSON is unknown", () => {
  const error = makeError("server response 502", "SERVER_ERROR", {
    info: { responseBody: "<html>nonce too low" },
  } as never);
  expect(readVerdict(error).verdict).toBe("unknown");
});

test("the words may be in the data of a rewrapped error", () => {
  const error = { code: -32603, message: "Internal JSON-RPC error.", data: { code: -32000, message: "nonce too low" } };
  expect(readVerdict(makeError("", "UNKNOWN_ERROR", { error } as never)).verdict).toBe("used");
});
