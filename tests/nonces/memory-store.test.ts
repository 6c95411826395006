import { test } from "@jest/globals";
import { nonceStoreContract } from "ethers-hsm/testing";
import { memoryNonceStore } from "../../src/nonces/memory-store.ts";

const store = memoryNonceStore();
for (const { name, run } of nonceStoreContract(() => store)) test(name, run);
