import { endianness } from "node:os";
import { SignerError } from "../core/errors.ts";
import type { Cryptoki, Handle, TokenSlot } from "./cryptoki.ts";
import type { TokenSelector } from "./options.ts";

/** The slot that `selector` names, or the only one where it names none. */
export async function findSlot(cryptoki: Cryptoki, selector: TokenSelector): Promise<TokenSlot> {
  const slots = await cryptoki.getTokenSlots();
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

/** The CK_SLOT_ID as a number. */
export function slotId(handle: Handle): bigint {
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
