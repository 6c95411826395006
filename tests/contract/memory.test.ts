import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { describeSignerContract } from "./suite.ts";

describeSignerContract("RemoteSigner over a key in memory", async () => ({
  create: async (privateKey, provider) => new RemoteSigner(new MemoryKey(privateKey), provider),
}));
