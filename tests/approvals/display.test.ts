import { expect, test } from "@jest/globals";
import { expectHonest, randomRequest } from "./random-requests.ts";

test("whatever the request and the approver's files say, no row looks like another", () => {
  let calls = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const verified = randomRequest(seed);
    expectHonest(verified);
    if (verified.lines.some(([name]) => name === "call")) calls += 1;
  }
  expect(calls).toBeGreaterThan(20);
});
