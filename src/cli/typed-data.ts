import { type ParsedTypedData, parseTypedData } from "../eip1193/typed-data.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./usage-error.ts";

/** The typed data of a file, in the form of eth_signTypedData_v4. @throws UsageError. */
export async function readTypedData(context: Context, file: string): Promise<ParsedTypedData> {
  const data = await context.readJson(file);
  try {
    return parseTypedData(data);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
