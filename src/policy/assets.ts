import { assertArgument, getAddress, MaxUint256 } from "ethers";
import type { SignRequest, TransactionSignRequest, TypedDataSignRequest } from "../signer/sign-request.ts";
import { decodeArguments, isCallOf, parseFunction } from "./calldata.ts";
import { allRequests, isContainer } from "./containers.ts";

/** A measure of your own. */
export interface Measure {
  /** It names the measure in the policy's description and in the store. */
  readonly name: string;
  /** Raise it with each change. */
  readonly version: string | number;
  /** How much the request spends, in the limit's unit: 0 or more. Whatever it throws denies the request. */
  amount(request: SignRequest): bigint;
}

/**
 * What a limit counts, in base units.
 *
 * - `"native"`: the `maxCost` of transactions, in wei: value and the highest fees. Other requests count nothing.
 * - A token's address: ERC-20 transfers and approvals in transactions and the calls that they carry, and ERC-2612 permits and ERC-3009
 *   authorizations of that contract. An approval counts as spent; one without an amount counts as everything. Any other function, and other
 *   typed data of the contract, deny the request.
 * - A {@link Measure}.
 */
export type Asset = "native" | (string & {}) | Measure;

const SPENDING = [
  "transfer(address to, uint256 amount)",
  "transferFrom(address from, address to, uint256 amount)",
  "approve(address spender, uint256 amount)",
  "increaseAllowance(address spender, uint256 amount)",
  "safeTransferFrom(address from, address to, uint256 amount)",
].map(parseFunction);
const RETURNING = ["decreaseAllowance(address spender, uint256 amount)"].map(parseFunction);
const SPENDING_ALL = ["setApprovalForAll(address operator, bool approved)"].map(parseFunction);

/** How an asset is named in descriptions and in the stores. @throws ethers' INVALID_ARGUMENT. */
export function assetName(asset: Asset): string {
  if (typeof asset === "object") {
    assertArgument(typeof asset.amount === "function", "asset must have amount()", "asset", asset.name);
    return `${asset.name}@${asset.version}`;
  }
  return asset === "native" ? asset : getAddress(asset);
}

/** How much the request spends of the asset. @throws an error if that cannot be told. */
export function measure(asset: Asset, request: SignRequest): bigint {
  if (typeof asset === "object") return measureOwn(asset, request);
  if (asset === "native") return request.kind === "transaction" ? request.maxCost : 0n;
  const token = getAddress(asset);
  if (request.kind === "typed-data") return request.domain.verifyingContract === token ? measureTypedData(request) : 0n;
  const calls = allRequests(request).filter((each): each is TransactionSignRequest => each.kind === "transaction");
  // A token that carries calls itself spends by these alone.
  const own = calls.filter(({ to, data }) => to === token && !isContainer(data));
  const amounts = own.map(measureCall);
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}

function measureOwn(asset: Measure, request: SignRequest): bigint {
  const amount: unknown = asset.amount(request);
  if (amount instanceof Promise) amount.catch(() => {});
  if (typeof amount !== "bigint" || amount < 0n) throw new Error(`the measure ${asset.name} returned no amount`);
  return amount;
}

function measureCall({ data }: TransactionSignRequest): bigint {
  const spending = SPENDING.find((each) => isCallOf(each, data));
  if (spending) return decodeArguments(spending, data)["amount"] as bigint;
  const returning = RETURNING.find((each) => isCallOf(each, data));
  if (returning) return 0n;
  const all = SPENDING_ALL.find((each) => isCallOf(each, data));
  if (all) return decodeArguments(all, data)["approved"] ? MaxUint256 : 0n;
  throw new Error("what this call spends of the token cannot be told");
}

function measureTypedData({ primaryType, value }: TypedDataSignRequest): bigint {
  const amount = value["value"];
  const isSpending = ["Permit", "TransferWithAuthorization", "ReceiveWithAuthorization"].includes(primaryType);
  // Dai's Permit has no amount.
  if (primaryType === "Permit" && typeof value["allowed"] === "boolean") return value["allowed"] ? MaxUint256 : 0n;
  if (isSpending && typeof amount === "bigint") return amount;
  if (primaryType === "CancelAuthorization") return 0n;
  throw new Error(`what ${primaryType} spends of the token cannot be told`);
}
