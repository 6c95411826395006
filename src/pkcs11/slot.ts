import { endianness } from "node:os";
import { SignerError } from "../core/errors.ts";
import { attempt } from "./attempt.ts";
import type { Cryptoki } from "./module.ts";
import type { TokenSelector } from "./options.ts";

/** A slot that holds an initialised token. */
export interface TokenSlot {
  /** The CK_SLOT_ID as pkcs11js hands it over: a CK_ULONG in the machine's byte order. */
  readonly handle: Buffer;
  readonly label: string;
}

// PKCS#11 v2.40, section 3.2: without it the token has no label, no PIN and no keys.
const CKF_TOKEN_INITIALIZED = 0x400;

/** The slot that `selector` names, or the only one where it names none. */
export function findSlot(cryptoki: Cryptoki, selector: TokenSelector): TokenSlot {
  const slots = listSlots(cryptoki);
  const { tokenLabel, slot, slotIndex } = selector;
  const found = slots.filter((candidate, index) => {
    if (tokenLabel !== undefined) return candidate.label === tokenLabel;
    if (slot !== undefined) return slotId(candidate.handle) === slot;
    return slotIndex === undefined || index === slotIndex;
  });
  const [only, another] = found;
  if (only === undefined) throw noSuchToken(selector, slots);
  if (another !== undefined) throw severalTokens(selector, found);
  return only;
}

function listSlots(cryptoki: Cryptoki): TokenSlot[] {
  const handles = attempt("C_GetSlotList", () => cryptoki.C_GetSlotList(true));
  return handles.flatMap((handle) => {
    try {
      const { flags, label } = cryptoki.C_GetTokenInfo(handle);
      return flags & CKF_TOKEN_INITIALIZED ? [{ handle, label: label.replace(/[ \0]+$/, "") }] : [];
    } catch {
      // A token that was just removed, or is out of order, does not hide the others.
      return [];
    }
  });
}

function slotId(handle: Buffer): bigint {
  const bigEndian = endianness() === "BE" ? handle : Buffer.from(handle).reverse();
  return BigInt(`0x${bigEndian.toString("hex")}`);
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
  return new SignerError("KEY_NOT_FOUND", `the PKCS#11 library shows no ${wanted}; it shows ${listing(slots)}`, {
    operation: "C_GetSlotList",
  });
}

function severalTokens(selector: TokenSelector, found: readonly TokenSlot[]): SignerError {
  const cure = selector.tokenLabel === undefined ? "tokenLabel, slot or slotIndex" : "slot or slotIndex";
  return new SignerError(
    "KEY_UNUSABLE",
    `the PKCS#11 library shows ${found.length} tokens that fit: ${listing(found)}; name one by ${cure}`,
    { operation: "C_GetSlotList" },
  );
}

function listing(slots: readonly TokenSlot[]): string {
  if (slots.length === 0) return "none";
  return slots.map(({ handle, label }) => `${JSON.stringify(label)} in slot ${slotId(handle)}`).join(", ");
}
