import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes a configuration of SoftHSM2 with an empty folder for its tokens into `folder`.
 *
 * @returns the path for SOFTHSM2_CONF, which SoftHSM2 reads when it is initialised.
 */
export function writeSoftHsmConfiguration(folder: string): string {
  const tokens = join(folder, "tokens");
  mkdirSync(tokens);
  const configuration = join(folder, "softhsm2.conf");
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  return configuration;
}
