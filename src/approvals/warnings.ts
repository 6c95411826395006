import { formatEther, getAddress, parseEther } from "ethers";
import type { RequestContent } from "./content.ts";
import type { KnownContent } from "./content-digest.ts";
import type { Decoded, DecodedField } from "./decode.ts";
import type { DecodedTransaction } from "./decoded-transaction.ts";
import { similarScripts } from "./display.ts";
import type { Knowledge } from "./knowledge.ts";
import type { ApprovalRequest } from "./request.ts";
import { contentLines, MAX_SHOWN_LINES, ZERO_ADDRESS } from "./summary.ts";

/** From which fees an approver is warned. */
export interface FeeLimits {
  /** In wei. */
  readonly maxFee: bigint;
  /** Of the value that is sent: 0.1 is a tenth. Transactions that send nothing have no share. */
  readonly maxFeeShare: number;
}

/** No token that is known has as much; tokens with amounts of 96 bits have this for "unlimited". */
const UNLIMITED = 2n ** 96n - 1n;
const ALLOWANCE = /approve|allowance|permit/i;
const NO_AMOUNT = /deadline|nonce|expir|(^|\.)[vrs]$/i;
/** Types of typed data with which funds move later, without a transaction of the account. */
const MOVES_FUNDS =
  /permit|transferwithauthorization|receivewithauthorization|order|delegat|metatransaction|forwardrequest|safetx/i;
const DELEGATECALL = 1n;
/** More names would scroll everything else away. */
const MAX_ADDRESSES = 20;
const PARTS_PER_MILLION = 1_000_000;

/** What an approver should not overlook in content that is what it says. */
export function warningsOf(
  { requester = "", note = "", account }: ApprovalRequest,
  { content, chain }: KnownContent,
  { decoded, knowledge, limits }: { decoded: Decoded | undefined; knowledge: Knowledge; limits: FeeLimits },
): readonly string[] {
  const scripts = similarScripts([requester, note, ...texts(content), ...foreignTexts(decoded)].join(" "));
  const { length } = contentLines(content, decoded, knowledge);
  return [
    ...(chain === "every" ? ["It holds on every chain."] : []),
    ...ofContent(content, chain, decoded, limits),
    ...(decoded === undefined ? [] : ofDecoded(decoded, content.type === "transaction" ? "call" : "message")),
    ...ofAddresses(addresses(content, decoded), account, knowledge),
    ...(scripts.length > 0 ? [`It mixes letters that can look alike: ${scripts.join(", ")}.`] : []),
    ...(length > MAX_SHOWN_LINES ? [`It has ${length} lines, of which the first ${MAX_SHOWN_LINES} are shown.`] : []),
  ];
}

function ofContent(
  content: RequestContent,
  chain: KnownContent["chain"],
  decoded: Decoded | undefined,
  limits: FeeLimits,
): readonly string[] {
  switch (content.type) {
    case "transaction":
      return ofTransaction(content.decoded, decoded, limits);
    case "message":
      if ((content.message.length - 2) / 2 === 32)
        return ["The message has 32 bytes: it may be a hash of something else."];
      return content.text === undefined ? ["The message is not text."] : [];
    case "typed-data":
      return [
        ...(chain === undefined ? ["The typed data names no chain."] : []),
        ...(content.domain["verifyingContract"] === undefined ? ["The typed data names no contract."] : []),
        ...(MOVES_FUNDS.test(content.primaryType)
          ? [`Who has this signature can move what ${content.primaryType} tells, without a transaction of the account.`]
          : []),
      ];
    case "authorization":
      return content.address === ZERO_ADDRESS ? [] : ["Who controls that code controls the account."];
    case "digest":
      return ["Nothing but the requester's word tells what this digest is."];
  }
}

function ofTransaction(
  transaction: DecodedTransaction,
  call: Decoded | undefined,
  { maxFee, maxFeeShare }: FeeLimits,
): readonly string[] {
  const { to, data, chainId, authorizationList } = transaction;
  const fee = parseEther(transaction.maxFeeEther);
  const value = BigInt(transaction.value);
  const share = BigInt(Math.round(maxFeeShare * PARTS_PER_MILLION));
  const isLarge = value > 0n && fee * BigInt(PARTS_PER_MILLION) > value * share;
  const others = (authorizationList ?? []).filter((each) => each.chainId !== chainId);
  return [
    ...(fee > maxFee ? [`Fees can cost ${transaction.maxFeeEther} ETH, more than ${formatEther(maxFee)} ETH.`] : []),
    ...(isLarge
      ? [
          `Fees can cost ${transaction.maxFeeEther} ETH, more than ${Number((maxFeeShare * 100).toFixed(4))} % of the value.`,
        ]
      : []),
    ...(to === null ? ["It creates a contract."] : []),
    ...(to !== null && data !== "0x" && call === undefined
      ? ["The call is not decoded: nothing tells what it does."]
      : []),
    ...(authorizationList === undefined ? [] : ["It changes whose code accounts run, by the authorizations in it."]),
    ...others.map((each) =>
      each.chainId === "0"
        ? "An authorization in it holds on every chain."
        : `An authorization in it is for chain ${each.chainId}, not for chain ${chainId}.`,
    ),
  ];
}

/** Of a call and of the calls in it: what spends later, and whose code runs. */
function ofDecoded({ signature, fields }: Decoded, name: string): readonly string[] {
  const isAllowance = ALLOWANCE.test(signature);
  return fields.flatMap((field) => {
    const path = `${name}.${field.path}`;
    if (field.call === null) return [`${path} is a call that is not decoded.`];
    if (field.call !== undefined) return ofDecoded(field.call, path);
    if (isAllowance && isUnlimited(field)) return [`It approves an unlimited amount: ${path}.`];
    if (field.meaning?.unlimited) return [`${path} is unlimited.`];
    if (/^setApprovalForAll\(/.test(signature) && field.value === true)
      return ["It lets the operator move every token of that contract."];
    if (/^(execTransaction\(|SafeTx$)/.test(signature) && field.path === "operation" && field.value === DELEGATECALL)
      return [`The Safe runs the code of ${name}.to as its own (delegatecall).`];
    return [];
  });
}

function isUnlimited({ type, path, value, meaning }: DecodedField): boolean {
  if (meaning?.unlimited) return true;
  if (type === "bool") return value === true && /(^|\.)allowed$/.test(path);
  return typeof value === "bigint" && /^uint/.test(type) && value >= UNLIMITED && !NO_AMOUNT.test(path);
}

function ofAddresses(all: readonly string[], account: string, knowledge: Knowledge): readonly string[] {
  const unknown = [...new Set(all)].filter(
    (address) => address !== account && address !== ZERO_ADDRESS && knowledge.isUnknown(address),
  );
  const more = unknown.length - MAX_ADDRESSES;
  return [
    ...unknown.slice(0, MAX_ADDRESSES).map((address) => `${address} is not in your address book.`),
    ...(more > 0 ? [`${more} more addresses are not in your address book.`] : []),
  ];
}

function addresses(content: RequestContent, decoded: Decoded | undefined): readonly string[] {
  const inside = decoded === undefined ? [] : addressesIn(decoded);
  switch (content.type) {
    case "transaction": {
      const { to, authorizationList = [] } = content.decoded;
      return [...(to === null ? [] : [to]), ...inside, ...authorizationList.map(({ address }) => address)];
    }
    case "typed-data": {
      const { verifyingContract } = content.domain;
      return [...(verifyingContract === undefined ? [] : [getAddress(verifyingContract)]), ...inside];
    }
    case "authorization":
      return [content.address];
    default:
      return [];
  }
}

function addressesIn({ fields }: Decoded): readonly string[] {
  return fields.flatMap(({ type, value, call }) => [
    ...(type === "address" ? [`${value}`] : []),
    ...(call ? addressesIn(call) : []),
  ]);
}

/** The texts that the requester chose. */
function texts(content: RequestContent): readonly string[] {
  if (content.type === "message") return [content.text ?? ""];
  if (content.type !== "typed-data") return [];
  return [JSON.stringify(content.domain), JSON.stringify(content.message)];
}

/** The texts in a call, and what the approver's files call its values. */
function foreignTexts(decoded: Decoded | null | undefined): readonly string[] {
  if (!decoded) return [];
  return [
    decoded.intent ?? "",
    ...decoded.fields.flatMap(({ type, value, label, meaning, call }) => [
      ...(type === "string" ? [`${value}`] : []),
      ...[label ?? "", meaning?.foreign ?? ""],
      ...foreignTexts(call),
    ]),
  ];
}
