import { toBeArray } from "ethers";

/** A secret that was put where a signer needs it, and may not come out anywhere. */
export interface Planted {
  readonly name: string;
  /** Text; a private key as hex with 0x, which is looked for as bytes. */
  readonly value: string;
}

/** What a log, an encoder or a dump may have made of it. */
function encodingsOf({ value }: Planted): readonly string[] {
  const hex = /^0x[0-9a-f]{64}$/i.test(value);
  const bytes = hex ? Buffer.from(toBeArray(value)) : Buffer.from(value);
  const reversed = Buffer.from(bytes).reverse();
  const binary = [bytes, reversed].flatMap((each) => [
    each.toString("hex"),
    each.toString("base64").replace(/=+$/, ""),
    each.toString("base64url"),
    // What util.inspect makes of a Buffer, and of an array of bytes.
    each.toString("hex").replace(/(..)(?!$)/g, "$1 "),
    [...each].join(", "),
    [...each].join(","),
  ]);
  const texts = hex
    ? [BigInt(value).toString()]
    : [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), [...value].reverse().join("")];
  return [...new Set([...binary, ...texts].flatMap((each) => [each, each.toLowerCase(), each.toUpperCase()]))];
}

/** The names of the secrets, with the encoding, that are in the text, however lines are wrapped. */
export function leaksIn(shown: string, secrets: readonly Planted[]): string[] {
  const texts = [shown, shown.replace(/\s+/g, ""), shown.replace(/\s+/g, " ")];
  return secrets.flatMap((secret) =>
    encodingsOf(secret)
      .filter((encoded) => texts.some((text) => text.includes(encoded)))
      .map((encoded) => `${secret.name} as ${encoded}`),
  );
}
