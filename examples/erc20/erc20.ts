import { Contract, type ContractRunner, Signature, type Signer, type TransactionReceipt } from "ethers";

/** An ERC-20 token with EIP-2612, as far as this needs it. */
const ABI = [
  "function name() view returns (string)",
  "function balanceOf(address owner) view returns (uint256)",
  "function allowance(address owner, address spender) view returns (uint256)",
  "function nonces(address owner) view returns (uint256)",
  "function transfer(address to, uint256 value) returns (bool)",
  "function transferFrom(address from, address to, uint256 value) returns (bool)",
  "function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)",
  "event Transfer(address indexed from, address indexed to, uint256 value)",
  // For messages that say why a call failed.
  "error BalanceTooLow()",
  "error AllowanceTooLow()",
  "error PermitExpired()",
  "error PermitInvalid()",
];

/** What an owner allows by signature. */
export interface Permit {
  readonly owner: string;
  readonly spender: string;
  /** In the token's smallest unit. */
  readonly value: bigint;
  /** Seconds since 1970, after which it is of no use. */
  readonly deadline: bigint;
  readonly signature: Signature;
}

export function tokenAt(address: string, runner: ContractRunner): Contract {
  return new Contract(address, ABI, runner);
}

/** Transfers tokens of the runner's account, and waits until a block has it. */
export async function transfer(token: Contract, to: string, value: bigint): Promise<TransactionReceipt> {
  const response = await token.getFunction("transfer")(to, value);
  return response.wait();
}

/**
 * Signs a permit (EIP-2612): the owner allows `spender` as much, in no transaction and at no cost. Everyone who holds the
 * result can hand it in, once.
 *
 * It takes the token's EIP-712 version to be 1, which is usual; a few tokens have another.
 */
export async function signPermit(
  owner: Signer,
  token: Contract,
  spender: string,
  value: bigint,
  deadline: bigint,
): Promise<Permit> {
  const address = await owner.getAddress();
  const [name, nonce, network] = await Promise.all([
    token.getFunction("name")(),
    token.getFunction("nonces")(address),
    owner.provider?.getNetwork(),
  ]);
  const domain = { name, version: "1", chainId: network?.chainId ?? null, verifyingContract: await token.getAddress() };
  const types = {
    Permit: [
      { name: "owner", type: "address" },
      { name: "spender", type: "address" },
      { name: "value", type: "uint256" },
      { name: "nonce", type: "uint256" },
      { name: "deadline", type: "uint256" },
    ],
  };
  const message = { owner: address, spender, value, nonce, deadline };
  const signature = Signature.from(await owner.signTypedData(domain, types, message));
  return { owner: address, spender, value, deadline, signature };
}

/** Hands in a permit, and waits until a block has it. The runner's account pays. */
export async function handIn(token: Contract, permit: Permit): Promise<TransactionReceipt> {
  const { owner, spender, value, deadline, signature } = permit;
  const { v, r, s } = signature;
  const response = await token.getFunction("permit")(owner, spender, value, deadline, v, r, s);
  return response.wait();
}
