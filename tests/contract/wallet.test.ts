import { Wallet } from "ethers";
import { describeSignerContract } from "./suite.ts";

// The control: a suite that ethers' own wallet fails would ask for something else than ethers' behaviour.
describeSignerContract("ethers.Wallet", async () => ({
  create: async (privateKey, provider) => new Wallet(privateKey, provider),
}));
