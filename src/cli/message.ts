import { getBytes, isHexString } from "ethers";
import type { Context } from "./context.ts";
import { requireUsage } from "./errors.ts";

/** A message as text, or with `--hex` as bytes; all of stdin for `-`, its last line break included. */
export async function readMessage(context: Context): Promise<string | Uint8Array> {
  const argument = context.requireArgument("MESSAGE");
  const text = argument === "-" ? await context.terminal.readInput() : argument;
  if (!context.flag("hex")) return text;
  const hex = text.trim();
  requireUsage(
    isHexString(hex) && hex.length % 2 === 0,
    "with --hex the message must be 0x and pairs of hexadecimal digits",
  );
  return getBytes(hex);
}
