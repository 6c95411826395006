import { rmSync } from "node:fs";

/** Removes what the global set-up made. */
export default function tearDown(): void {
  for (const name of ["ETHERS_HSM_TEST_FOLDER", "ETHERS_HSM_TOKEN_FOLDER"]) {
    const folder = process.env[name];
    if (folder) rmSync(folder, { recursive: true, force: true });
  }
}
