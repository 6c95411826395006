import { getAddress } from "ethers";
import { Recent } from "./recent.ts";

const checksummed = new Recent<string>(1_000);

/**
 * ethers' `getAddress`, which takes a keccak-256 each time: an account deals with few addresses, again and again.
 *
 * @throws ethers' INVALID_ARGUMENT.
 */
export function checksumAddress(address: string): string {
  return checksummed.get(address, () => getAddress(address));
}
