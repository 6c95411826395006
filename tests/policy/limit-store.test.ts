import { describe, expect, test } from "@jest/globals";
import { memoryLimitStore, postgresLimitStore, redisLimitStore } from "../../src/policy/index.ts";
import { limitStoreContract } from "./support/limit-store-contract.ts";
import { signedAgainTests } from "./support/signed-again.ts";

describe("in memory", () => {
  const store = memoryLimitStore();
  limitStoreContract(() => store);
  signedAgainTests(() => store);
});

test("a name that would leave the schema or the hash tag is refused", () => {
  expect(() => postgresLimitStore({ query: async () => [] }, { schema: "a; drop table b" })).toThrow(
    "lower-case letters",
  );
  expect(() => redisLimitStore({ eval: async () => 0 }, { prefix: "a{b}" })).toThrow("braces");
});
