import { expect, test } from "@jest/globals";
import { expectHonest, randomRequest } from "./random-requests.ts";

const REQUESTS = 100_000;

test("100,000 requests at every width from 40 to 200 columns", () => {
  const warnings = new Set<string>();
  for (let seed = 1_000; seed < 1_000 + REQUESTS; seed++) {
    const verified = randomRequest(seed);
    expectHonest(verified);
    for (const warning of verified.warnings) warnings.add(warning.replace(/[\d.]+|0x\w+/g, ""));
  }
  expect(warnings.size).toBeGreaterThan(10);
});
