import { type ParsedTypedData, parseTypedData } from "../eip1193/typed-data.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./errors.ts";

/** The typed data of a file, in the form of eth_signTypedData_v4. @throws CommandError USAGE, which names the field. */
export async function readTypedData(context: Context, file: string, what: string): Promise<ParsedTypedData> {
  const text = await context.read(file, what);
  try {
    return parseTypedData(text);
  } catch (error) {
    throw new CommandError("USAGE", (error as Error).message);
  }
}
