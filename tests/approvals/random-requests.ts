import { expect } from "@jest/globals";
import { Interface, MaxUint256, Transaction, toUtf8Bytes } from "ethers";
import { fromSigningPayload } from "../../src/approvals/content-digest.ts";
import { type VerifiedRequest, verifyApprovalRequest } from "../../src/approvals/index.ts";
import type { SigningPayload } from "../../src/signer/payload.ts";
import { ANY, requestFor } from "./requests.ts";

const { chainId: _, ...TEMPLATE } = requestFor("a message");
const CONTRACT = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const ABI = new Interface([
  "function transfer(address to,uint256 amount)",
  "function approve(address spender,uint256 amount)",
  "function execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
  "function note(string memo,(address who,string[] words,bytes raw)[] parts)",
]);
const LINES = [
  ...[
    "request",
    "asked by",
    "note",
    "created",
    "expires",
    "account",
    "chain",
    "signs",
    "text",
    "digest",
    "policy",
    "token",
    "WARNING",
  ],
  ...["bytes", "nonce", "to", "value", "gas limit", "max fee", "priority fee", "fees at most", "data", "type"],
];
const OURS = new RegExp(
  `^(?:  \\| |(?:${LINES.join("|")}|domain \\w+|type \\w+|intent|(?:call|message)(?:[.\\w[\\]]*)(?: intent)?) {2,})`,
);
const VISIBLE = /^[^\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]*$/u;
/** Any quotation mark but ours, and ASCII in another form. */
const IMITATES =
  /[\p{Pi}\p{Pf}\u02b0-\u02ff\u2032-\u2037\uff01-\uff5e\u{1d400}-\u{1d7ff}\u2460-\u249b\u0250-\u02af]|''|``/u;
const PIECES = [
  ...LINES,
  ...[
    " ",
    "  ",
    "              ",
    "\u00a0",
    "\u2800",
    "\u3000",
    "\u05d0",
    "е",
    "0x",
    "\n",
    "\r",
    '"',
    "  | ",
    "\u001b[2J",
  ],
  // What looks like a quotation mark, a letter of another script, of another width, or a phonetic one; what is narrow or wide by the terminal.
  ...[
    "\u201d",
    "\u02ba",
    "\u2033",
    "\uff02",
    "''",
    "``",
    "\u{1f676}",
    "\u{1d42f}",
    "\uff34\uff4f",
    "\u2460",
    "\u0251",
    "\u00b0",
    "\u2713",
  ],
  ...["Digest: ", "To: ", "vitalik.eth", '": 0x', "\u{20}\u00d712", "1e77", `${10n ** 77n}`],
  ...["\u202e", "\u200b", "\u0301", "値", "=", "call.to", "0x000000000000000000000000000000000000dEaD", "\u{e0041}"],
];

/** xorshift: the same requests for the same seed. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed * 2_654_435_761 + 1;
  }

  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  text(): string {
    const piece = () =>
      this.below(4) === 0 ? String.fromCodePoint(this.below(0xd800)) : (PIECES[this.below(PIECES.length)] ?? "");
    return Array.from({ length: this.below(25) }, piece).join("");
  }

  address(): string {
    return this.below(2) === 0 ? CONTRACT : `0x${`${this.below(90) + 10}`.repeat(20)}`;
  }

  amount(): bigint {
    return this.below(3) === 0 ? MaxUint256 : BigInt(this.below(1_000_000_000)) * 10n ** BigInt(this.below(30));
  }
}

/** A request whose every text is chosen by an attacker, verified with files whose texts are, too. */
export function randomRequest(seed: number): VerifiedRequest {
  const random = new Random(seed);
  const known = fromSigningPayload(randomContent(random));
  const text = () => random.text() || "x";
  const field = (path: string, format: string) => ({ path, format, label: text(), params: { tokenPath: "@.to" } });
  const descriptor = {
    context: { contract: { deployments: [{ chainId: 1, address: CONTRACT }] } },
    metadata: { token: { ticker: text(), decimals: random.below(30) } },
    display: {
      formats: {
        "transfer(address to,uint256 amount)": { intent: text(), fields: [field("amount", "tokenAmount")] },
        "note(string memo,(address who,string[] words,bytes raw)[] parts)": {
          intent: text(),
          fields: [field("memo", "raw"), field("parts[].raw", "calldata"), field("parts[].who", "addressName")],
        },
      },
    },
  };
  const printable =
    text()
      .slice(0, 100)
      .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "") || "x";
  const { digest = "", content, chain } = known;
  const chainId = chain === undefined ? {} : { chainId: chain };
  return verifyApprovalRequest(
    { ...TEMPLATE, ...chainId, digest, content, note: printable, requester: printable },
    {
      ...ANY,
      ...(random.below(2) === 0 ? { descriptors: [descriptor] } : { abis: { [CONTRACT]: ABI.fragments } }),
      ...(random.below(2) === 0 ? { addressBook: { [random.address()]: text() } } : {}),
    },
  );
}

function randomContent(random: Random): SigningPayload {
  // Transactions take longest: a fifth is enough of them.
  const kind = random.below(10);
  if (kind < 4) {
    const message = random.text();
    return { type: "message", message: toUtf8Bytes(message) };
  }
  if (kind < 8) {
    const types = { Permit: [...["memo", "to", "value"].map((name) => ({ name, type: "string" })), ...LISTS] };
    const [memo, to, value] = [random.text(), random.text(), random.text()];
    const message = { memo, to, value, amounts: [random.amount()], who: random.address() };
    const domain = { name: random.text(), version: random.text() };
    return { type: "typed-data", domain, types, value: message };
  }
  const made = Transaction.from({
    ...{ type: 2, chainId: 1n, to: random.address(), data: randomCall(random, 0), value: random.amount() % 10n ** 30n },
    ...{ gasLimit: BigInt(random.below(10_000_000)), maxFeePerGas: BigInt(random.below(2 ** 31)) },
  });
  return { type: "transaction", unsigned: made.unsignedSerialized };
}

const LISTS = [
  { name: "amounts", type: "uint256[]" },
  { name: "who", type: "address" },
];

function randomCall(random: Random, depth: number): string {
  const inner = () => (depth < 3 && random.below(2) === 0 ? randomCall(random, depth + 1) : "0x1234");
  switch (random.below(5)) {
    case 0:
      return ABI.encodeFunctionData("transfer", [random.address(), random.amount()]);
    case 1:
      return ABI.encodeFunctionData("approve", [random.address(), random.amount()]);
    case 2:
      return ABI.encodeFunctionData("execTransaction", [
        ...[random.address(), random.amount(), inner(), random.below(2), 0, 0, 0, random.address(), random.address()],
        "0x",
      ]);
    case 3:
      return `0x12345678${"00".repeat(random.below(100))}`;
    default:
      return ABI.encodeFunctionData("note", [
        random.text(),
        Array.from({ length: random.below(3) }, () => [random.address(), [random.text()], inner()]),
      ]);
  }
}

/** On a terminal of 40 to 200 columns each of its rows is one of ours, or begins as a continuation; only hexadecimal digits wrap. */
export function expectHonest({ summary }: Pick<VerifiedRequest, "summary">): void {
  for (const row of summary.split("\n")) {
    const isHonest = OURS.test(row) && VISIBLE.test(row) && !IMITATES.test(row) && wrapsHexOnly(row);
    if (!isHonest) expect(row).toBe("a row of the display");
  }
}

/** Any character beyond 40 columns begins a row of a terminal of some width: there it is of a number in hex, or closes its quotes. */
function wrapsHexOnly(row: string): boolean {
  let used = 0;
  for (const character of row) {
    // Beyond ASCII a character may take two columns.
    used += (character.codePointAt(0) ?? 0) < 0x80 ? 1 : 2;
    if (used > 40 && !/[\da-fA-F",]/.test(character)) return false;
  }
  return true;
}
