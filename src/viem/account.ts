import type { LocalAccount, NonceManager } from "viem";
import { toAccount } from "viem/accounts";
import { hashAuthorization, hashMessage, hashTypedData } from "viem/utils";
import type { RemoteSigner } from "../signer/remote-signer.ts";
import { asHex, signHash, signHashToHex } from "./signature.ts";
import { signTransaction } from "./transaction.ts";

/** What a viem account takes beside the signer. */
export interface ViemAccountOptions {
  /** Counts the nonces of what a wallet client sends in parallel: viem's own, or one of `createNonceManager`. Default: none. */
  readonly nonceManager?: NonceManager | undefined;
}

/** viem's local account, with everything that `privateKeyToAccount` gives: `sign` and `signAuthorization` are always there. */
export type RemoteViemAccount = LocalAccount<"remote"> & {
  [name in "sign" | "signAuthorization"]: NonNullable<LocalAccount[name]>;
};

/**
 * A viem account whose private key stays where the signer's is. Pass it to `createWalletClient({ account })`.
 *
 * It fetches the public key, once, and then behaves as viem's `privateKeyToAccount` does with the same key: viem itself hashes
 * and serializes, with viem's results and errors, and each method asks the signer's `signDigest` once. So every signature is
 * verified and has low s (EIP-2), and each call ends with the signer's timeout.
 *
 * - `address`: with the checksum of EIP-55. `publicKey`: SEC1 uncompressed, 65 bytes. `source`: `"remote"`.
 * - `sign({ hash })`: exactly these 32 bytes, neither hashed nor prefixed: whoever chooses them can spend what the account owns.
 * - `signMessage({ message })`: EIP-191, version 0x45; text as UTF-8, also where it looks like hex, and `{ raw }` as it is.
 * - `signTransaction(transaction, { serializer })`: legacy (EIP-155 with a chainId), EIP-2930, EIP-1559, EIP-4844 with or without
 *   sidecars, EIP-7702, or whatever the serializer makes. It signs the EIP-4844 payload without the sidecars also where the
 *   transaction names no type, of which viem makes a transaction by nobody.
 * - `signTypedData(typedData)`: EIP-712; `EIP712Domain` is derived from the domain unless `types` has it.
 * - `signAuthorization(authorization)`: EIP-7702, section "Set code transaction"; a chainId of 0 holds on every chain.
 *
 * Messages, hashes and typed data give 65 bytes r, s, v with v 27 or 28.
 *
 * It fills in nothing and sends nothing: viem's client does. It uses neither the signer's provider nor ENS. It keeps no nonces
 * unless `nonceManager` does. It does not close the signer, and is of no use once that is closed. viem has no way to hand an
 * AbortSignal to an account.
 *
 * @throws SignerError, here and from each method, where the backend fails; a wallet client wraps it, and
 *   `error.walk(isSignerError)` finds it again. ethers' INVALID_ARGUMENT "invalid digest length" from `sign` for a hash that has
 *   not 32 bytes. viem's errors for everything that viem cannot hash or serialize.
 *
 * @example
 * const account = await toViemAccount(new KmsSigner({ keyId: "alias/treasury", region: "eu-west-1" }));
 * const client = createWalletClient({ account, chain: mainnet, transport: http() });
 */
export async function toViemAccount(
  signer: RemoteSigner,
  options: ViemAccountOptions = {},
): Promise<RemoteViemAccount> {
  const publicKey = asHex(await signer.getPublicKey());
  const address = asHex(await signer.getAddress());
  const sign: RemoteViemAccount["sign"] = async ({ hash }) => signHashToHex(signer, hash);
  const signAuthorization: RemoteViemAccount["signAuthorization"] = async (authorization) => {
    const { chainId, nonce } = authorization;
    const delegate = authorization.contractAddress ?? authorization.address;
    const signature = await signHash(signer, hashAuthorization({ address: delegate, chainId, nonce }));
    return { address: delegate, chainId, nonce, ...signature };
  };
  const account = toAccount({
    address,
    nonceManager: options.nonceManager,
    sign,
    signAuthorization,
    signMessage: async ({ message }) => signHashToHex(signer, hashMessage(message)),
    signTransaction: async (transaction, { serializer } = {}) => signTransaction(signer, transaction, serializer),
    signTypedData: async (typedData) => signHashToHex(signer, hashTypedData(typedData)),
  });
  return { ...account, sign, signAuthorization, publicKey, source: "remote" };
}
