import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "@jest/globals";

// What tests/support/hanging-files.mjs reads.
writeFileSync(
  join(process.env["ETHERS_HSM_TEST_FOLDER"] ?? "", "running", String(process.pid)),
  expect.getState().testPath ?? "",
);
