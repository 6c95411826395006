import { assertArgument, getAddress, type Interface, type InterfaceAbi } from "ethers";
import { type Descriptor, objectOf, readDescriptor, readInterface, type Token } from "./descriptor.ts";

/** What an approver knows beside the request. Nothing of it is fetched, and nothing that it says is proven by the request. */
export interface KnowledgeOptions {
  /** Names of addresses. With it, each address that it lacks is warned of; an empty one warns of all. */
  readonly addressBook?: Readonly<Record<string, string>> | undefined;
  /** The ABIs of contracts, by their address: JSON as compilers write it, or ethers' fragments. */
  readonly abis?: Readonly<Record<string, InterfaceAbi>> | undefined;
  /** Files of ERC-7730, parsed from JSON. They name what they describe; they hide nothing and allow nothing. */
  readonly descriptors?: readonly unknown[] | undefined;
}

export class Knowledge {
  readonly descriptors: readonly Descriptor[];
  readonly #names: ReadonlyMap<string, string> | undefined;
  readonly #abis: ReadonlyMap<string, Interface>;

  /** @throws ethers' INVALID_ARGUMENT for what cannot be read. */
  constructor({ addressBook, abis = {}, descriptors = [] }: KnowledgeOptions) {
    this.#names = addressBook === undefined ? undefined : readAddressBook(addressBook);
    this.#abis = byAddress(
      Object.entries(abis).map(([address, abi]) => [readAddress(address, "abis"), readAbi(abi, address)]),
      "abis",
    );
    this.descriptors = descriptors.map(readDescriptor);
  }

  nameOf(address: string): string | undefined {
    return this.#names?.get(address);
  }

  /** False for every address if there is no address book. */
  isUnknown(address: string): boolean {
    return this.#names !== undefined && !this.#names.has(address);
  }

  abiOf(address: string): Interface | undefined {
    return this.#abis.get(address);
  }

  tokenAt(chainId: string | undefined, address: string): Token | undefined {
    const key = `${chainId}:${address}`;
    return this.descriptors.find(({ kind, token, deployments }) => kind === "contract" && token && deployments.has(key))
      ?.token;
  }
}

function readAddressBook(book: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  assertArgument(
    objectOf(book) === book,
    "addressBook must be an object of names by address",
    "addressBook",
    typeof book,
  );
  return byAddress(
    Object.entries(book).map(([address, name]) => {
      assertArgument(typeof name === "string" && name !== "", "a name must be a string", "addressBook", "[not shown]");
      return [readAddress(address, "addressBook"), name];
    }),
    "addressBook",
  );
}

/** The case of an address' digits makes two members of an object, of which one would win. */
function byAddress<T>(entries: readonly (readonly [string, T])[], argument: string): ReadonlyMap<string, T> {
  const found = new Map(entries);
  assertArgument(found.size === entries.length, `${argument} has an address twice`, argument, "[not shown]");
  return found;
}

function readAbi(abi: InterfaceAbi, address: string): Interface {
  try {
    return readInterface(abi);
  } catch {
    assertArgument(false, `the ABI of ${address} cannot be read`, "abis", "[not shown]");
  }
}

function readAddress(address: string, argument: string): string {
  const isAddress = /^0x[\da-f]{40}$/i.test(address);
  assertArgument(
    isAddress,
    `${argument} must have addresses of 0x and 40 digits as its names`,
    argument,
    "[not shown]",
  );
  return getAddress(address);
}
