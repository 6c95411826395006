import { dataSlice, formatUnits, keccak256 } from "ethers";
import type { AuthorizationContent, RequestContent, TypedDataContent } from "./content.ts";
import type { KnownContent } from "./content-digest.ts";
import type { Decoded, DecodedField } from "./decode.ts";
import type { DecodedTransaction } from "./decoded-transaction.ts";
import { type Line, quote, quoteName } from "./display.ts";
import type { Knowledge } from "./knowledge.ts";
import { policyOf } from "./policy-token.ts";
import type { ApprovalRequest } from "./request.ts";
import type { QuorumTokenFile } from "./token-file.ts";

const TYPES = ["legacy", "EIP-2930", "EIP-1559", "EIP-4844", "EIP-7702"];
export const ZERO_ADDRESS = `0x${"0".repeat(40)}`;
/** Calldata beyond it is told by its length and hash: it would scroll everything else away. */
const MAX_SHOWN_HEX = 2_048;
/** More values would scroll everything else away. */
export const MAX_SHOWN_LINES = 500;

/** All of a request that was verified, as lines: the same for the text and for the page. */
export function displayLines(
  request: ApprovalRequest,
  { content, chain }: KnownContent,
  { decoded, knowledge, warnings }: { decoded: Decoded | undefined; knowledge: Knowledge; warnings: readonly string[] },
): readonly Line[] {
  const { token } = request;
  return [
    ["request", request.id],
    ...(request.requester === undefined ? [] : [["asked by", quote(request.requester)] as const]),
    ...(request.note === undefined ? [] : [["note", quote(request.note)] as const]),
    ["created", request.createdAt],
    ["expires", request.expiresAt],
    ["account", request.account],
    ["chain", chain === "every" ? "every chain" : (request.chainId ?? "none named")],
    ...contentLines(content, decoded, knowledge).slice(0, MAX_SHOWN_LINES),
    ["digest", request.digest],
    ...tokenLines(token),
    ...warnings.map((warning) => ["WARNING", warning] as const),
  ];
}

export function contentLines(
  content: RequestContent,
  decoded: Decoded | undefined,
  knowledge: Knowledge,
): readonly Line[] {
  switch (content.type) {
    case "transaction":
      return [
        ["signs", `a transaction of type ${content.decoded.type} (${TYPES[content.decoded.type]})`],
        ...transactionLines(content.decoded, decoded, knowledge),
      ];
    case "message":
      return [
        ["signs", `a message (EIP-191) of ${(content.message.length - 2) / 2} bytes`],
        content.text === undefined ? ["bytes", data(content.message)] : ["text", quote(content.text)],
      ];
    case "typed-data":
      return [["signs", "typed data (EIP-712)"], ...typedDataLines(content, decoded)];
    case "authorization":
      return [["signs", "an authorization (EIP-7702)"], ...authorizationLines(content, knowledge)];
    case "digest":
      return [["signs", "a digest of unknown content"]];
  }
}

function transactionLines(
  transaction: DecodedTransaction,
  call: Decoded | undefined,
  knowledge: Knowledge,
): readonly Line[] {
  const { nonce, to, value, valueEther, gasLimit, accessList = [], blobVersionedHashes = [] } = transaction;
  return [
    ["nonce", `${nonce}`],
    ["to", to === null ? "a new contract" : addressWithName(to, knowledge)],
    ["value", `${valueEther} ETH (${value} wei)`],
    ["gas limit", gasLimit],
    ...fees(transaction),
    ["fees at most", `${transaction.maxFeeEther} ETH`],
    ["data", data(transaction.data)],
    ...(call === undefined ? [] : callLines(call, "call")),
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

function typedDataLines({ domain, types, message }: TypedDataContent, decoded: Decoded | undefined): readonly Line[] {
  const { signature = "", intent, fields = [] } = decoded ?? {};
  const known = new Map(fields.map((field) => [`message.${field.path}`, field]));
  return [
    ...Object.entries(domain).map(([name, value]): Line => [`domain ${name}`, quote(value)]),
    ["type", signature],
    ...(intent === undefined ? [] : [["intent", quote(intent)] as const]),
    ...members(message, "message").flatMap(([path, value]): readonly Line[] => {
      const field = known.get(path);
      return field === undefined ? [[path, value]] : fieldLines(field, path, value);
    }),
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

function callLines({ signature, source, intent, fields }: Decoded, name: string): readonly Line[] {
  return [
    [name, `${signature}, read as ${source}`],
    ...(intent === undefined ? [] : [[`${name} intent`, quote(intent)] as const]),
    ...fields.flatMap((field) => fieldLines(field, `${name}.${field.path}`, raw(field))),
  ];
}

function fieldLines({ label, meaning, call }: DecodedField, name: string, value: string): readonly Line[] {
  const words =
    meaning === undefined ? [] : [meaning.text, ...(meaning.foreign === undefined ? [] : [quote(meaning.foreign)])];
  const shown = words.length === 0 ? value : `${words.filter((word) => word !== "").join(" ")} = ${value}`;
  const line: Line = [name, label === undefined ? shown : `${quote(label)}: ${shown}`];
  if (call === undefined) return [line];
  return [line, ...(call === null ? [[`${name}`, "a call that is not decoded"] as const] : callLines(call, name))];
}

function raw({ type, value }: DecodedField): string {
  if (type === "string") return quote(`${value}`);
  return type === "bytes" ? data(`${value}`) : `${value}`;
}

function addressWithName(address: string, knowledge: Knowledge): string {
  const name = knowledge.nameOf(address);
  return name === undefined ? address : `${quote(name)} = ${address}`;
}

function authorizationLines({ address, nonce }: AuthorizationContent, knowledge: Knowledge): readonly Line[] {
  return [
    ["code of", address === ZERO_ADDRESS ? "none: ends the delegation" : addressWithName(address, knowledge)],
    ["nonce", nonce],
  ];
}

function chainOf(chainId: string): string {
  return chainId === "0" ? "0 (every chain)" : chainId;
}

/** A policy's token names this request, which was checked. */
function tokenLines(token: QuorumTokenFile): readonly Line[] {
  const policyId = policyOf(token);
  if (policyId !== undefined) {
    return [
      ["policy", quoteName(policyId)],
      ["token", `${token.token}, which names this request and its digest`],
    ];
  }
  const reference = token.key_reference === undefined ? "" : ` of key ${token.key_reference}`;
  return [["token", `${token.token}, said to be for ${quote(token.service)}${reference}`]];
}

function data(hex: string): string {
  const length = (hex.length - 2) / 2;
  if (length === 0) return "none";
  if (hex.length <= MAX_SHOWN_HEX) return `${length} bytes: ${hex}`;
  return `${length} bytes: begins with ${dataSlice(hex, 0, 4)}, keccak256 ${keccak256(hex)}`;
}
