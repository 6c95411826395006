import { randomBytes } from "node:crypto";
import { SoftHsmToken } from "./softhsm.ts";

/** SoftHSM2's library, as the set-up found it and the test run's global set-up passed it on. */
export function softHsmPath(): string {
  const path = process.env["ETHERS_HSM_SOFTHSM_LIBRARY"];
  if (path === undefined) throw new Error("the tests run through jest.config.mjs, whose global set-up finds SoftHSM2");
  return path;
}

/** A new token with a label that no other test has. */
export function createToken(name: string): SoftHsmToken {
  return SoftHsmToken.create(softHsmPath(), `${name}-${randomBytes(4).toString("hex")}`);
}
