import { inspect } from "node:util";
import { expect } from "@jest/globals";

/** The message of ethers' INVALID_ARGUMENT `uri` that `read` throws, which shows nothing of `secret`. */
export function refusalOf(read: () => unknown, secret = "planted"): string {
  try {
    read();
  } catch (error) {
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "uri" });
    expect(inspect(error, { depth: 9 })).not.toContain(secret);
    return (error as { shortMessage: string }).shortMessage.replace("the key's URI is wrong: ", "");
  }
  return "accepted";
}
