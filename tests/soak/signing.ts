import { secp256k1 } from "@noble/curves/secp256k1.js";
import {
  type Authorization,
  getBytes,
  hexlify,
  randomBytes,
  recoverAddress,
  type Signature,
  Transaction,
  type TransactionRequest,
  verifyAuthorization,
  verifyMessage,
  verifyTypedData,
} from "ethers";
import type { RemoteSigner } from "ethers-hsm";

/** One thing that a signer is asked, and whether the answer is right, without the library's own opinion. */
interface Door {
  readonly name: string;
  ask(signer: RemoteSigner, signal?: AbortSignal): Promise<(address: string) => boolean>;
}

const CHAIN_ID = 31337n;
const FRIEND = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
const ORDER = secp256k1.Point.Fn.ORDER;
const DOMAIN = { name: "soak", version: "1", chainId: CHAIN_ID, verifyingContract: FRIEND };
const TYPES = {
  Order: [
    { name: "maker", type: "address" },
    { name: "amounts", type: "uint256[]" },
    { name: "note", type: "string" },
  ],
};

export const DIGEST: Door = {
  name: "digest",
  async ask(signer, signal) {
    const digest = hexlify(randomBytes(32));
    const signature = await signer.signDigest(digest, signal ? { signal } : {});
    return (address) => isLow(signature) && recoversBoth(digest, signature, address);
  },
};

export const DOORS: readonly Door[] = [
  DIGEST,
  {
    name: "message",
    async ask(signer) {
      const message = randomBytes(Math.floor(Math.random() * 300));
      const signature = await signer.signMessage(message);
      return (address) => verifyMessage(message, signature) === address;
    },
  },
  {
    name: "typed data",
    async ask(signer) {
      const value = { maker: FRIEND, amounts: [BigInt(hexlify(randomBytes(32))), 7n], note: hexlify(randomBytes(20)) };
      const signature = await signer.signTypedData(DOMAIN, TYPES, value);
      return (address) => verifyTypedData(DOMAIN, TYPES, value, signature) === address;
    },
  },
  {
    name: "authorization",
    async ask(signer) {
      const request = { address: FRIEND, nonce: number(1_000_000), chainId: CHAIN_ID };
      const signed: Authorization = await signer.authorize(request);
      return (address) => verifyAuthorization(request, signed.signature) === address;
    },
  },
  ...[0, 1, 2, 4].map(
    (type): Door => ({
      name: `transaction of type ${type}`,
      async ask(signer) {
        const request = await transaction(type, signer);
        const raw = await signer.signTransaction(request);
        const unsigned = Transaction.from(request as Parameters<typeof Transaction.from>[0]).unsignedSerialized;
        const parsed = Transaction.from(raw);
        return (address) => parsed.from === address && parsed.unsignedSerialized === unsigned;
      },
    }),
  ),
];

async function transaction(type: number, signer: RemoteSigner): Promise<TransactionRequest> {
  const common = {
    ...{ type, chainId: CHAIN_ID, nonce: number(100_000), gasLimit: 21_000n + BigInt(number(100_000)) },
    ...{ to: FRIEND, value: BigInt(number(2 ** 48)), data: hexlify(randomBytes(number(100))) },
  };
  const accessList = [{ address: FRIEND, storageKeys: [hexlify(randomBytes(32))] }];
  const fees = { maxFeePerGas: BigInt(number(2 ** 40)), maxPriorityFeePerGas: 1n };
  if (type === 0) return { ...common, gasPrice: fees.maxFeePerGas };
  if (type === 1) return { ...common, gasPrice: fees.maxFeePerGas, accessList };
  if (type === 2) return { ...common, ...fees, accessList };
  const authorization = await signer.authorize({ address: FRIEND, nonce: 1, chainId: CHAIN_ID });
  return { ...common, ...fees, authorizationList: [authorization] };
}

/** By two libraries: ethers' own curve recovers, @noble/curves verifies with the key that was recovered. */
function recoversBoth(digest: string, signature: Signature, address: string): boolean {
  if (recoverAddress(digest, signature) !== address) return false;
  const compact = getBytes(signature.r + signature.s.slice(2));
  const bytes = getBytes(digest);
  const recovered = secp256k1.Signature.fromBytes(compact, "compact").addRecoveryBit(signature.yParity);
  return secp256k1.verify(compact, bytes, recovered.recoverPublicKey(bytes).toBytes(false), { prehash: false });
}

function isLow({ s }: Signature): boolean {
  return BigInt(s) <= ORDER / 2n;
}

function number(below: number): number {
  return Math.floor(Math.random() * below);
}
