import { afterAll, beforeAll, describe } from "@jest/globals";
import { describeAuthorizations } from "./authorizations.ts";
import type { Context, ContractContext, SignerHarness } from "./context.ts";
import { createContext, stopChain } from "./context.ts";
import { describeContracts } from "./contracts.ts";
import { describeIdentity } from "./identity.ts";
import { describeMessages } from "./messages.ts";
import { describeNames } from "./names.ts";
import { describeNetwork } from "./network.ts";
import { describeSending } from "./sending.ts";
import { describeTransactionRequests } from "./transaction-requests.ts";
import { describeTransactionTypes } from "./transaction-types.ts";
import { describeTypedData } from "./typed-data.ts";

export type { SignerHarness } from "./context.ts";

afterAll(stopChain);

/**
 * What every signer must do, whatever its backend: the same as `ethers.Wallet` with the same key, on the same input.
 *
 * Each test runs both and compares, and states what it expects besides, so that the two cannot agree on nonsense.
 */
export function describeSignerContract(name: string, setup: () => Promise<SignerHarness>): void {
  describe(name, () => {
    let created: ContractContext | undefined;
    const context: Context = () => {
      if (created === undefined) throw new Error("only tests have a context");
      return created;
    };
    beforeAll(async () => {
      created = await createContext(setup);
    });
    afterAll(async () => {
      await created?.close();
    });

    // First, since they take long without the node, which is busy at the start.
    describe("transaction types", () => describeTransactionTypes(context));
    describe("identity", () => describeIdentity(context));
    describe("messages", () => describeMessages(context));
    describe("typed data", () => describeTypedData(context));
    describe("transaction requests", () => describeTransactionRequests(context));
    describe("names", () => describeNames(context));
    describe("authorizations", () => describeAuthorizations(context));
    describe("network", () => describeNetwork(context));
    describe("sending", () => describeSending(context));
    describe("contracts", () => describeContracts(context));
  });
}
