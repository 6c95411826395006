import { getAddress, ZeroAddress } from "ethers";
import type { TypedDataSignRequest } from "../signer/sign-request.ts";
import type { Condition } from "./conditions.ts";
import type { Hazard } from "./hazards.ts";
import { type Expected, toInteger, toMatcher } from "./matchers.ts";

/** What typed data must be. What is left out may be anything that needs no naming. */
export interface TypedDataOptions {
  /** The domain's chain; null: it has none, and the signature holds on every chain. */
  readonly chainId?: bigint | number | null | undefined;
  /** The domain's contract; null: it has none. The zero address counts as none that must be named. */
  readonly verifyingContract?: string | null | undefined;
  /** The domain's name. */
  readonly name?: string | undefined;
  /** The domain's version. */
  readonly version?: string | undefined;
  /** The name of the primary type: a name alone, which the author of the data chose. `typeHash` is what a contract compares. */
  readonly primaryType?: string | undefined;
  /** keccak-256 of EIP-712's encodeType of the primary type. */
  readonly typeHash?: string | undefined;
  /** What fields must be, by name. */
  readonly where?: { readonly [name: string]: Expected } | undefined;
}

/**
 * Typed data of EIP-712. The permit family (Permit, PermitSingle, TransferWithAuthorization, SafeTx, …) is allowed only by `primaryType` or
 * `typeHash`, a domain without a chain or a contract only by `chainId` or `verifyingContract`.
 */
export function typedData(options: TypedDataOptions): Condition {
  const { name, version, primaryType } = options;
  const chainId = options.chainId == null ? options.chainId : toInteger(options.chainId, "chainId");
  const contract =
    options.verifyingContract == null ? options.verifyingContract : getAddress(options.verifyingContract);
  const typeHash = options.typeHash?.toLowerCase();
  const where = options.where && toMatcher(options.where);
  const expected = { chainId, verifyingContract: contract, name, version };
  const isDomain = ({ domain }: TypedDataSignRequest) =>
    Object.entries(expected).every(([field, each]) => each === undefined || each === Reflect.get(domain, field));
  const named: Hazard[] = [];
  if (chainId === 0n) named.push("every-chain");
  if (primaryType !== undefined || typeHash !== undefined) named.push("permit");
  const description = { ...expected, chainId: chainId == null ? chainId : `${chainId}`, primaryType, typeHash };
  return {
    description: { typedData: { ...description, where: where?.description } },
    match: (request) => {
      if (request.kind !== "typed-data" || !isDomain(request)) return undefined;
      if (primaryType !== undefined && request.primaryType !== primaryType) return undefined;
      if (typeHash !== undefined && request.typeHash !== typeHash) return undefined;
      if (where && !where.matches(request.value)) return undefined;
      const isChainNamed = request.domain.chainId !== null || chainId === null;
      const isContractNamed = ![null, ZeroAddress].includes(request.domain.verifyingContract) || contract !== undefined;
      return isChainNamed && isContractNamed ? [...named, "domain"] : named;
    },
  };
}
