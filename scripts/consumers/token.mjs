import { SoftHsmToken } from "../../tests/support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../../tests/support/softhsm-configuration.ts";
import { softHsmLibrary } from "../setup/softhsm.mjs";

/**
 * Makes a SoftHSM2 token "consumer" with the PIN user:password and a secp256k1 key "treasury", in a folder of its own.
 *
 * @param {string} folder
 * @returns {{ libraryPath: string, configuration: string }}
 */
export function makeToken(folder) {
  const libraryPath = softHsmLibrary();
  if (!libraryPath) throw new Error("SoftHSM2 is missing. Run `npm run setup` first.");
  const configuration = writeSoftHsmConfiguration(folder);
  process.env["SOFTHSM2_CONF"] = configuration;
  SoftHsmToken.create(libraryPath, "consumer", "user:password").generateKey({ label: "treasury" });
  return { libraryPath, configuration };
}
