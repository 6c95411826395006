import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgresPrograms, redisServer } from "../../scripts/setup/databases.mjs";
import { p11KitClient, p11KitServer } from "../../scripts/setup/p11-kit.mjs";
import { softHsmLibrary } from "../../scripts/setup/softhsm.mjs";
import { bundlePrograms } from "./programs.ts";
import { writeSoftHsmConfiguration } from "./softhsm-configuration.ts";

/**
 * Bundles the programs that tests start, and gives the run folders of its own. That of the tokens has to be named before the
 * workers start: SoftHSM2 reads its process's environment, and a test can change only its own copy of that.
 */
export default function setUp(): void {
  const library = softHsmLibrary();
  if (library === undefined) throw new Error("SoftHSM2 is missing. Run `npm run setup` first.");

  bundlePrograms();
  process.env["ETHERS_HSM_TEST_FOLDER"] = mkdtempSync(join(tmpdir(), "ethers-hsm-"));
  // In memory, if the system has a folder there: SoftHSM2 waits for the disk at each object.
  const tokens = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "ethers-hsm-tokens-"));
  process.env["ETHERS_HSM_TOKEN_FOLDER"] = tokens;
  process.env["SOFTHSM2_CONF"] = writeSoftHsmConfiguration(tokens);
  process.env["ETHERS_HSM_SOFTHSM_LIBRARY"] = library;
  process.env["ETHERS_HSM_P11_KIT_SERVER"] = p11KitServer() ?? "";
  process.env["ETHERS_HSM_P11_KIT_CLIENT"] = p11KitClient() ?? "";
  process.env["ETHERS_HSM_POSTGRES_PROGRAMS"] = postgresPrograms() ?? "";
  process.env["ETHERS_HSM_REDIS_SERVER"] = redisServer() ?? "";
}
