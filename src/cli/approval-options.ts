import { isAddress } from "ethers";
import {
  type KnowledgeOptions,
  parseApprovalRequest,
  type VerifiedRequest,
  verifyApprovalRequest,
} from "../approvals/index.ts";
import { parseJson } from "../approvals/json.ts";
import { parseAmount } from "./amount.ts";
import type { OptionTable } from "./command.ts";
import type { Context } from "./context.ts";
import { requireUsage } from "./errors.ts";

/** What the approver expects; one of each two is required. */
export const EXPECTATIONS: OptionTable = {
  account: { type: "string", value: "ADDRESS", help: "the account that is expected" },
  "any-account": { type: "boolean", help: "accept any account" },
  "chain-id": { type: "string", value: "N", help: "the chain that is expected" },
  "any-chain": { type: "boolean", help: "accept any chain" },
  "allow-digest": { type: "boolean", help: "accept a request that does not say what is signed" },
  "max-fee": { type: "string", value: "AMOUNT", help: "warn of higher fees; default: 0.1ether" },
};

/** What a person knows beside the request. */
export const KNOWLEDGE: OptionTable = {
  "address-book": { type: "string", value: "FILE", help: 'JSON, {"0x…": "name"}; other addresses are warned of' },
  abi: { type: "string", value: "ADDRESS=FILE", multiple: true, help: "a contract's ABI; may be there several times" },
  descriptor: { type: "string", value: "FILE", multiple: true, help: "of ERC-7730; may be there several times" },
};

/** Reads a request and verifies it by the options. @throws what {@link verifyApprovalRequest} throws; CommandError USAGE. */
export async function readExpectations(context: Context, file: string): Promise<VerifiedRequest> {
  const expectedAccount = either(context, "account", "any-account");
  const expectedChainId = either(context, "chain-id", "any-chain");
  requireUsage(expectedAccount === false || isAddress(expectedAccount), "--account must be an address");
  requireUsage(expectedChainId === false || /^\d{1,78}$/.test(expectedChainId), "--chain-id must be an integer");
  const maxFee = context.text("max-fee");
  const knowledge = await readKnowledge(context);
  return verifyApprovalRequest(parseApprovalRequest(await context.read(file, "REQUEST")), {
    ...{ expectedAccount, expectedChainId, ...knowledge },
    maxFee: maxFee === undefined ? undefined : parseAmount("max-fee", maxFee),
    allowBareDigest: context.flag("allow-digest"),
  });
}

/** The files of {@link KNOWLEDGE}. */
export async function readKnowledge(context: Context): Promise<KnowledgeOptions> {
  const book = context.text("address-book");
  const abis: [string, never][] = [];
  for (const [address, name] of readPairs(context, "abi", "ADDRESS=FILE")) {
    abis.push([address, (await readJson(context, name, "--abi")) as never]);
  }
  const descriptors: unknown[] = [];
  for (const name of context.texts("descriptor")) descriptors.push(await readJson(context, name, "--descriptor"));
  const addressBook =
    book === undefined ? undefined : ((await readJson(context, book, "--address-book")) as Record<string, string>);
  return { addressBook, descriptors, abis: Object.fromEntries(abis) };
}

/** The pairs of an option such as `--abi ADDRESS=FILE`. */
export function readPairs(context: Context, name: string, form: string): readonly (readonly [string, string])[] {
  const pairs = context.texts(name).map((text) => {
    const at = text.indexOf("=");
    requireUsage(at > 0 && at < text.length - 1, `--${name} must be ${form}`);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  const isOnce = new Set(pairs.map(([first]) => first)).size === pairs.length;
  requireUsage(isOnce, `--${name} is there twice for one ${form.split("=")[0]}`);
  return pairs;
}

function either(context: Context, name: string, any: string): string | false {
  const value = context.text(name);
  const isOne = (value === undefined) === context.flag(any);
  requireUsage(isOne, `pass --${name} as you know it from elsewhere, or --${any}`);
  return value ?? false;
}

async function readJson(context: Context, file: string, what: string): Promise<unknown> {
  return parseJson(await context.read(file, what), `the file that ${what} names`);
}
