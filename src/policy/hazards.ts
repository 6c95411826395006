import { ZeroAddress } from "ethers";
import type { SignRequest, TransactionSignRequest, TypedDataSignRequest } from "../signer/sign-request.ts";
import { isContainer } from "./containers.ts";

/** What a request may be that no rule allows without naming it. */
export const HAZARDS = {
  digest: "32 bytes of which nothing is known",
  unprotected: "a legacy transaction without EIP-155, which holds on every chain",
  "every-chain": "chain 0",
  deployment: "the creation of a contract",
  blobs: "a blob transaction, type 3",
  delegation: "a delegation of the account to code (EIP-7702)",
  "every-chain-delegation": "a delegation that holds on every chain",
  domain: "typed data whose domain lacks the chain or the contract",
  permit: "typed data that lets others spend, or act for, the account",
  "nested-call": "a call that carries other calls",
} as const;

/** The name of a hazard. */
export type Hazard = keyof typeof HAZARDS;

// The types of KeeperHub's list, extended by Permit2's, Seaport's and Safe's. A contract compares the type's hash: name it in typedData().
const PERMIT_FAMILY = new Set(
  [
    "TransferWithAuthorization,ReceiveWithAuthorization,CancelAuthorization,Delegation,DelegateBySig,OrderComponents,BulkOrder",
    "SafeTx,MetaTransaction,ForwardRequest",
  ].flatMap((names) => names.split(",")),
);

/** What of the request a rule must name to allow it. */
export function findHazards(request: SignRequest): readonly Hazard[] {
  switch (request.kind) {
    case "digest":
      return ["digest"];
    case "message":
      // Contracts recover signers from toEthSignedMessageHash(hash): it is as opaque as the hash.
      return request.message.length === 2 + 2 * 32 ? ["digest"] : [];
    case "authorization":
      if (request.delegate === ZeroAddress) return request.chainId === 0n ? ["every-chain-delegation"] : [];
      return request.chainId === 0n ? ["delegation", "every-chain-delegation"] : ["delegation"];
    case "typed-data":
      return typedDataHazards(request);
    case "transaction":
      return transactionHazards(request);
  }
}

function transactionHazards({ type, chainId, to, data, delegations }: TransactionSignRequest): Hazard[] {
  const found: Hazard[] = [];
  if (chainId === null) found.push("unprotected");
  if (chainId === 0n) found.push("every-chain");
  if (to === null) found.push("deployment");
  else if (isContainer(data)) found.push("nested-call");
  if (type === 3) found.push("blobs");
  if (type === 4) found.push("delegation");
  if (delegations.some((each) => each.chainId === 0n)) found.push("every-chain-delegation");
  return found;
}

function typedDataHazards({ domain, encodedType }: TypedDataSignRequest): Hazard[] {
  const found: Hazard[] = [];
  const { chainId, verifyingContract } = domain;
  if (chainId === null || verifyingContract === null || verifyingContract === ZeroAddress) found.push("domain");
  if (chainId === 0n) found.push("every-chain");
  const structs = Array.from(encodedType.matchAll(/(?:^|\))([^(]+)\(/g), ([, name = ""]) => name);
  if (structs.some((name) => /permit/i.test(name) || PERMIT_FAMILY.has(name))) found.push("permit");
  return found;
}
