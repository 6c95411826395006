import { rmSync } from "node:fs";

/** Removes what the global set-up made. */
export default function tearDown(): void {
  const folder = process.env["ETHERS_HSM_TEST_FOLDER"];
  if (folder) rmSync(folder, { recursive: true, force: true });
}
