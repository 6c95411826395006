import { endianness } from "node:os";
import { SignerError } from "../core/errors.ts";
import type { Cryptoki, Handle, LibraryInfo, TokenSlot } from "./cryptoki.ts";
import type { Pkcs11TokenMatch, TokenSelector } from "./options.ts";

/** The slot that `selector` names, or the only one where it names none. */
export async function findSlot(cryptoki: Cryptoki, selector: TokenSelector): Promise<TokenSlot> {
  const slots = await cryptoki.getTokenSlots();
  const { tokenLabel, slot, slotIndex, match } = selector;
  const named = slots.filter((candidate, index) => {
    if (tokenLabel !== undefined) return candidate.label === tokenLabel;
    if (slot !== undefined) return slotId(candidate.handle) === slot;
    return slotIndex === undefined || index === slotIndex;
  });
  const found = match ? await matching(cryptoki, named, match) : named;
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

async function matching(
  cryptoki: Cryptoki,
  slots: readonly TokenSlot[],
  match: Pkcs11TokenMatch,
): Promise<TokenSlot[]> {
  const wanted = Object.entries(match) as [keyof Pkcs11TokenMatch, string][];
  const library = await cryptoki.getInfo();
  const found: TokenSlot[] = [];
  let failure: unknown;
  for (const candidate of slots) {
    try {
      const actual = await attributesOf(cryptoki, candidate, library);
      if (wanted.every(([name, value]) => actual[name] === value.replace(/ +$/, ""))) found.push(candidate);
    } catch (error) {
      // A token that was just removed, or is out of order, does not hide the others.
      failure ??= error;
    }
  }
  if (found.length === 0 && failure) throw failure;
  return found;
}

async function attributesOf(
  cryptoki: Cryptoki,
  { handle }: TokenSlot,
  library: LibraryInfo,
): Promise<Required<Pkcs11TokenMatch>> {
  const slot = await cryptoki.getSlotInfo(handle);
  const { label, manufacturer, model, serialNumber } = await cryptoki.getTokenInfo(handle);
  return {
    ...{ label, manufacturer, model, serialNumber },
    ...{ slotDescription: slot.description, slotManufacturer: slot.manufacturer },
    ...{ libraryDescription: library.description, libraryManufacturer: library.manufacturer },
    libraryVersion: library.version,
  };
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
  const matched = selector.match ? ` with ${described(selector.match)}` : "";
  return new SignerError(
    "KEY_NOT_FOUND",
    `the PKCS#11 library shows no ${wanted}${matched}; it shows ${listing(slots)}`,
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
