import { dataSlice, formatUnits, keccak256 } from "ethers";
import type { ApprovalRequest } from "./approval-request.ts";
import type { KnownContent } from "./content-digest.ts";
import type { DecodedTransaction } from "./decoded-transaction.ts";
import { type Line, quote, render, similarScripts } from "./display.ts";
import type { AuthorizationContent, RequestContent, TypedDataContent } from "./request-content.ts";

const TYPES = ["legacy", "EIP-2930", "EIP-1559", "EIP-4844", "EIP-7702"];
const ZERO_ADDRESS = `0x${"0".repeat(40)}`;
/** Calldata beyond it is told by its length and hash: it would scroll everything else away. */
const MAX_SHOWN_HEX = 2_048;
/** More values would scroll everything else away. */
const MAX_SHOWN_LINES = 500;

/** What an approver should not overlook in content that is what it says. */
export function warningsOf(
  { requester = "", note = "" }: ApprovalRequest,
  { content, chain }: KnownContent,
): readonly string[] {
  const warnings: string[] = [];
  if (chain === "every") warnings.push("It holds on every chain.");
  switch (content.type) {
    case "transaction": {
      const { to, authorizationList } = content.decoded;
      if (to === null) warnings.push("It creates a contract.");
      if (authorizationList !== undefined)
        warnings.push("It changes whose code accounts run, by the authorizations in it.");
      break;
    }
    case "message":
      if (content.text === undefined) warnings.push("The message is not text.");
      break;
    case "typed-data":
      if (chain === undefined) warnings.push("The typed data names no chain.");
      if (content.domain["verifyingContract"] === undefined) warnings.push("The typed data names no contract.");
      break;
    case "authorization":
      if (content.address !== ZERO_ADDRESS) warnings.push("Who controls that code controls the account.");
      break;
    case "digest":
      warnings.push("Nothing but the requester's word tells what this digest is.");
  }
  const scripts = similarScripts([requester, note, ...texts(content)].join(" "));
  if (scripts.length > 0) warnings.push(`It mixes letters that can look alike: ${scripts.join(", ")}.`);
  const { length } = linesOf(content);
  if (length > MAX_SHOWN_LINES)
    warnings.push(`It has ${length} lines, of which the first ${MAX_SHOWN_LINES} are shown.`);
  return warnings;
}

export function summarize(
  request: ApprovalRequest,
  { content, chain }: KnownContent,
  warnings: readonly string[],
): string {
  const { token } = request;
  const lines: Line[] = [
    ["request", request.id],
    ...(request.requester === undefined ? [] : [["asked by", quote(request.requester)] as const]),
    ...(request.note === undefined ? [] : [["note", quote(request.note)] as const]),
    ["created", request.createdAt],
    ["expires", request.expiresAt],
    ["account", request.account],
    ["chain", chain === "every" ? "every chain" : (request.chainId ?? "none named")],
    ...linesOf(content).slice(0, MAX_SHOWN_LINES),
    ["digest", request.digest],
    ["token", `${token.token}, said to be for ${quote(token.service)}${reference(token.key_reference)}`],
    ...warnings.map((warning) => ["WARNING", warning] as const),
  ];
  return render(lines);
}

/** The texts that the requester chose. */
function texts(content: RequestContent): readonly string[] {
  if (content.type === "message") return [content.text ?? ""];
  if (content.type !== "typed-data") return [];
  return [JSON.stringify(content.domain), JSON.stringify(content.message)];
}

function linesOf(content: RequestContent): readonly Line[] {
  switch (content.type) {
    case "transaction":
      return [
        ["signs", `a transaction of type ${content.decoded.type} (${TYPES[content.decoded.type]})`],
        ...transactionLines(content.decoded),
      ];
    case "message":
      return [
        ["signs", `a message (EIP-191) of ${(content.message.length - 2) / 2} bytes`],
        content.text === undefined ? ["bytes", data(content.message)] : ["text", quote(content.text)],
      ];
    case "typed-data":
      return [["signs", "typed data (EIP-712)"], ...typedDataLines(content)];
    case "authorization":
      return [["signs", "an authorization (EIP-7702)"], ...authorizationLines(content)];
    case "digest":
      return [["signs", "a digest of unknown content"]];
  }
}

function transactionLines(transaction: DecodedTransaction): readonly Line[] {
  const { nonce, to, value, valueEther, gasLimit, accessList = [], blobVersionedHashes = [] } = transaction;
  return [
    ["nonce", `${nonce}`],
    ["to", to ?? "a new contract"],
    ["value", `${valueEther} ETH (${value} wei)`],
    ["gas limit", gasLimit],
    ...fees(transaction),
    ["fees at most", `${transaction.maxFeeEther} ETH`],
    ["data", data(transaction.data)],
    ...accessList.map(({ address, storageKeys }): Line => ["access", `${address}, ${storageKeys.length} storage keys`]),
    ...blobVersionedHashes.map((hash): Line => ["blob", hash]),
    ...(transaction.authorizationList ?? []).map(
      ({ chainId, address, nonce, authority }): Line => [
        "authorizes",
        `${authority ?? "no account (invalid signature)"} to run ${address}, chain ${chainOf(chainId)}, nonce ${nonce}`,
      ],
    ),
  ];
}

function fees({ gasPrice, maxFeePerGas, maxPriorityFeePerGas, maxFeePerBlobGas }: DecodedTransaction): readonly Line[] {
  const line = (name: string, wei: string | undefined): Line[] =>
    wei === undefined ? [] : [[name, `${formatUnits(wei, "gwei")} gwei`]];
  return [
    ...line("gas price", gasPrice),
    ...line("max fee", maxFeePerGas),
    ...line("priority fee", maxPriorityFeePerGas),
    ...line("max blob fee", maxFeePerBlobGas),
  ];
}

function typedDataLines({ domain, types, primaryType, message }: TypedDataContent): readonly Line[] {
  return [
    ...Object.entries(domain).map(([name, value]): Line => [`domain ${name}`, quote(value)]),
    ["type", primaryType],
    ...members(message, "message"),
    ...Object.entries(types).map(
      ([name, fields]): Line => [`type ${name}`, fields.map((field) => `${field.type} ${field.name}`).join(", ")],
    ),
  ];
}

/** One line for each value of a message, named by its path. */
function members(value: unknown, path: string): readonly Line[] {
  if (typeof value !== "object" || value === null) {
    return [[path, typeof value === "string" ? quote(value) : `${value}`]];
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return [[path, "an empty list"]];
    return value.flatMap((entry, index) => members(entry, `${path}[${index}]`));
  }
  return Object.entries(value).flatMap(([name, entry]) => members(entry, `${path}.${name}`));
}

function authorizationLines({ address, nonce }: AuthorizationContent): readonly Line[] {
  return [
    ["code of", address === ZERO_ADDRESS ? "none: ends the delegation" : address],
    ["nonce", nonce],
  ];
}

function chainOf(chainId: string): string {
  return chainId === "0" ? "0 (every chain)" : chainId;
}

function reference(keyReference: string | undefined): string {
  return keyReference === undefined ? "" : ` of key ${keyReference}`;
}

function data(hex: string): string {
  const length = (hex.length - 2) / 2;
  if (length === 0) return "none";
  if (hex.length <= MAX_SHOWN_HEX) return `${length} bytes: ${hex}`;
  return `${length} bytes: begins with ${dataSlice(hex, 0, 4)}, keccak256 ${keccak256(hex)}`;
}
