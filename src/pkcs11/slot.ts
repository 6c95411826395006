import { endianness } from "node:os";
import { SignerError } from "../core/errors.ts";
import type { Cryptoki, Handle, TokenInfo, TokenSlot } from "./cryptoki.ts";
import { returnValueOf } from "./errors.ts";
import { similarLabelHint } from "./key-name.ts";
import type { Pkcs11TokenMatch, TokenSelector } from "./options.ts";
import { CKR } from "./return-values.ts";

// PKCS#11 v2.40, header pkcs11t.h.
const CKF_LOGIN_REQUIRED = 0x4;
const CKF_PROTECTED_AUTHENTICATION_PATH = 0x100;
const CKF_TOKEN_INITIALIZED = 0x400;
// Nothing that this library could use is in the slot.
const EMPTY: readonly (number | undefined)[] = [CKR.TOKEN_NOT_PRESENT, CKR.TOKEN_NOT_RECOGNIZED];

/** A slot with an initialised token, and what that says of itself. */
interface FoundToken extends TokenSlot {
  readonly info: TokenInfo;
}

/** The slots of a library. */
interface FoundTokens {
  readonly tokens: readonly FoundToken[];
  /** Why one of the slots could not be read: it does not hide the others. */
  readonly failure: unknown;
}

/** Reads which tokens there are. */
export async function findTokens(cryptoki: Cryptoki): Promise<FoundTokens> {
  const tokens: FoundToken[] = [];
  let failure: unknown;
  for (const handle of await cryptoki.getSlots()) {
    try {
      const info = await cryptoki.getTokenInfo(handle);
      if (info.flags & CKF_TOKEN_INITIALIZED) tokens.push(describeToken(handle, info));
    } catch (error) {
      if (!EMPTY.includes(returnValueOf(error))) failure ??= error;
    }
  }
  return { tokens, failure };
}

/**
 * The slot that `selector` names, or the only one if it names none.
 *
 * @throws SignerError KEY_NOT_FOUND if there is none; if it may be one that could not be read, why that was.
 */
export async function findSlot(cryptoki: Cryptoki, selector: TokenSelector): Promise<TokenSlot> {
  const { tokens, failure } = await findTokens(cryptoki);
  const { tokenLabel, slot, slotIndex, match } = selector;
  // Without the one that could not be read, an index would count to another, and the only one might not be.
  const isNamed = [tokenLabel, slot, match].some((name) => name !== undefined);
  if ((slotIndex !== undefined || !isNamed) && failure) throw failure;
  const named = tokens.filter((candidate, index) => {
    if (tokenLabel !== undefined) return candidate.label === tokenLabel;
    if (slot !== undefined) return slotId(candidate.handle) === slot;
    return slotIndex === undefined || index === slotIndex;
  });
  const found = match ? await matching(cryptoki, named, match) : named;
  const [only, another] = found;
  if (only === undefined) throw failure ?? noSuchToken(selector, tokens);
  if (another !== undefined) throw severalTokens(selector, found);
  return only;
}

export function describeToken(handle: Handle, info: TokenInfo): FoundToken {
  const { label, manufacturer, model, serialNumber, flags } = info;
  return {
    handle,
    label,
    info,
    identity: JSON.stringify([slotId(handle).toString(), manufacturer, model, serialNumber, label]),
    hasPinPad: (flags & CKF_LOGIN_REQUIRED) !== 0 && (flags & CKF_PROTECTED_AUTHENTICATION_PATH) !== 0,
  };
}

/** The CK_SLOT_ID as a number. */
export function slotId(handle: Handle): bigint {
  const bigEndian = endianness() === "BE" ? handle : Buffer.from(handle).reverse();
  return BigInt(`0x${bigEndian.toString("hex")}`);
}

async function matching(
  cryptoki: Cryptoki,
  tokens: readonly FoundToken[],
  match: Pkcs11TokenMatch,
): Promise<FoundToken[]> {
  const wanted = Object.entries(match) as [keyof Pkcs11TokenMatch, string][];
  const library = await cryptoki.getInfo();
  const found: FoundToken[] = [];
  for (const token of tokens) {
    const slot = await cryptoki.getSlotInfo(token.handle);
    const { label, manufacturer, model, serialNumber } = token.info;
    const actual: Required<Pkcs11TokenMatch> = {
      ...{ label, manufacturer, model, serialNumber },
      ...{ slotDescription: slot.description, slotManufacturer: slot.manufacturer },
      ...{ libraryDescription: library.description, libraryManufacturer: library.manufacturer },
      libraryVersion: library.version,
    };
    if (wanted.every(([name, value]) => actual[name] === value.replace(/ +$/, ""))) found.push(token);
  }
  return found;
}

function noSuchToken(selector: TokenSelector, slots: readonly TokenSlot[]): SignerError {
  const wanted =
    selector.tokenLabel !== undefined
      ? `token labelled ${JSON.stringify(selector.tokenLabel)}`
      : selector.slot !== undefined
        ? `token in slot ${selector.slot}`
        : selector.slotIndex !== undefined
          ? `token at slotIndex ${selector.slotIndex}`
          : "initialised token";
  const labels = slots.map(({ label }) => Buffer.from(label));
  const similar = similarLabelHint(selector.tokenLabel ?? selector.match?.label, labels);
  const matched = selector.match ? ` with ${described(selector.match)}` : "";
  return new SignerError(
    "KEY_NOT_FOUND",
    `the PKCS#11 library shows no ${wanted}${matched}; it shows ${listing(slots)}${similar}`,
    {
      operation: "C_GetSlotList",
    },
  );
}

function described(match: Pkcs11TokenMatch): string {
  return Object.entries(match)
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(", ");
}

function severalTokens(selector: TokenSelector, found: readonly TokenSlot[]): SignerError {
  const selectors = selector.tokenLabel === undefined ? "tokenLabel, slot or slotIndex" : "slot or slotIndex";
  return new SignerError(
    "KEY_UNUSABLE",
    `the PKCS#11 library shows ${found.length} tokens that fit: ${listing(found)}; name one by ${selectors}`,
    { operation: "C_GetSlotList" },
  );
}

function listing(slots: readonly TokenSlot[]): string {
  if (slots.length === 0) return "none";
  return slots.map(({ handle, label }) => `${JSON.stringify(label)} in slot ${slotId(handle)}`).join(", ");
}
