import { assertArgument, getBytes, toUtf8Bytes } from "ethers";
import type {
  Hex,
  LocalAccount,
  NonceManager,
  SerializeTransactionFn,
  SignableMessage,
  TransactionSerializable,
  TypedDataDefinition,
} from "viem";
import { toAccount } from "viem/accounts";
import {
  concatHex,
  fromRlp,
  hashAuthorization,
  hashMessage,
  hashTypedData,
  hexToBigInt,
  isHex,
  keccak256,
  numberToHex,
  serializeTransaction,
  sliceHex,
  toRlp,
  trim,
} from "viem/utils";
import type { SigningPayload } from "../signer/payload.ts";
import type { RemoteSigner } from "../signer/remote-signer.ts";
import { propertyNames, snapshot } from "../signer/snapshot.ts";

/** The options of {@link toViemAccount}. */
export interface ViemAccountOptions {
  /** Counts the nonces of transactions that a wallet client sends in parallel. Default: none. */
  readonly nonceManager?: NonceManager | undefined;
}

/** viem's local account with every method of `privateKeyToAccount`: `sign` and `signAuthorization` are always present. */
export type RemoteViemAccount = LocalAccount<"remote"> & {
  [name in "sign" | "signAuthorization"]: NonNullable<LocalAccount[name]>;
};

type Serializer = SerializeTransactionFn<TransactionSerializable>;

/** A signature as `privateKeyToAccount` passes it to a serializer: v is 27 or 28 for every type of transaction. */
interface ViemSignature {
  readonly r: Hex;
  readonly s: Hex;
  readonly v: bigint;
  readonly yParity: number;
}

/**
 * A viem account whose private key stays in the signer's backend. Pass it to `createWalletClient({ account })`.
 *
 * It fetches the public key, once, and then behaves as viem's `privateKeyToAccount` does with the same key: viem itself hashes
 * and serializes, with viem's results and errors, and each method calls the signer's `signDigest` once. Thus every signature is
 * verified and has low s (EIP-2), and each call ends with the signer's timeout. Each method copies its arguments deeply before
 * its first await: a caller that changes them later changes nothing.
 *
 * - `address`: with the checksum of EIP-55. `publicKey`: SEC1 uncompressed, 65 bytes. `source`: `"remote"`.
 * - `sign({ hash })`: exactly these 32 bytes, neither hashed nor prefixed: a caller that controls the hash can spend the
 *   account's funds.
 * - `signMessage({ message })`: EIP-191, version 0x45; a string as UTF-8, even if it looks like hex, and `{ raw }` as it is.
 * - `signTransaction(transaction, { serializer })`: legacy (EIP-155 with a chainId), EIP-2930, EIP-1559, EIP-4844 with or without
 *   sidecars, EIP-7702, or a type of the serializer's. The signed hash of an EIP-4844 transaction never covers the sidecars;
 *   viem's account includes them if the transaction names no type.
 * - `signTypedData(typedData)`: EIP-712; `EIP712Domain` is derived from the domain unless `types` declares it.
 * - `signAuthorization(authorization)`: EIP-7702, section "Set code transaction"; a chainId of 0 is valid on every chain.
 *
 * A policy, an audit and keys that ask for approval see what each method signs, but for `sign`: theirs is a bare digest.
 *
 * Messages, hashes and typed data return 65 bytes r, s, v with v 27 or 28.
 *
 * It fills in nothing and sends nothing: viem's client does. It uses neither the signer's provider nor ENS. It counts no nonces
 * unless `nonceManager` does. It does not close the signer, and its methods fail with SIGNER_CLOSED after the signer was closed.
 * viem cannot pass an AbortSignal to an account.
 *
 * @throws SignerError, here and from each method, if the backend fails; a wallet client wraps it, and
 *   `error.walk(isSignerError)` finds it again. ethers' INVALID_ARGUMENT: from `sign` for a hash that does not have 32 bytes,
 *   from `signTransaction` for a serializer whose result with the signature is not the transaction that was signed, and from
 *   every method for arguments of more than 100 levels or 100,000 values. viem's errors for what viem cannot hash or serialize.
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
    const { address, contractAddress, chainId, nonce } = authorization;
    const tuple = { address: contractAddress ?? address, chainId, nonce };
    const payload = {
      type: "authorization",
      chainId: BigInt(chainId),
      address: tuple.address,
      nonce: BigInt(nonce),
    } as const;
    return { ...tuple, ...(await signHash(signer, hashAuthorization(tuple), payload)) };
  };
  const account = toAccount({
    address,
    nonceManager: options.nonceManager,
    sign,
    signAuthorization,
    signMessage: async ({ message }) => signMessage(signer, snapshot(message, "message")),
    signTransaction: async (transaction, { serializer } = {}) => signTransaction(signer, transaction, serializer),
    signTypedData: async (typedData) => signTypedData(signer, snapshot(typedData, "typedData")),
  });
  return { ...account, sign, signAuthorization, publicKey, source: "remote" };
}

/**
 * Signs what `serializer` returns for the transaction, and returns what it returns for the transaction and the signature.
 *
 * The second call happens after the backend responded, so its result is compared with what was signed.
 */
async function signTransaction(
  signer: RemoteSigner,
  given: TransactionSerializable,
  serializer: Serializer = serializeTransaction,
): Promise<Hex> {
  const transaction = copyTransaction(given);
  // As privateKeyToAccount calls a serializer; the sidecars are not signed (EIP-4844, section "Networking").
  const isBlob = transaction.type === "eip4844";
  const signable = isBlob ? ({ ...transaction, sidecars: false } as TransactionSerializable) : transaction;
  const unsigned = await serializer(signable);
  requireSerializer(isHex(unsigned), "does not return a hex string");
  const payload = withoutSidecars(unsigned);
  const isKnown = isEthereums(payload);
  const signature = await signHash(
    signer,
    keccak256(payload),
    isKnown ? { type: "transaction", unsigned: payload } : undefined,
  );
  const serialized = await serializer(transaction, signature);
  requireSerializer(isHex(serialized), "does not return a hex string");
  if (hasEthereumFormat(payload, serialized)) {
    const expected = addSignature(payload, signature);
    requireSerializer(
      withoutSidecars(serialized) === expected,
      "returned another transaction than the one it had signed",
    );
  } else {
    const isSame = (await serializer(signable)) === unsigned;
    requireSerializer(isSame, "returned two different transactions for the same one");
    const carries = [signature.r, signature.s].every((part) => serialized.includes(trim(part).slice(2)));
    requireSerializer(carries, "returned a transaction without its signature");
  }
  return serialized;
}

/** A deep copy, with the getters of the transaction's class. The KZG library is code with a state of its own, and stays as it is. */
function copyTransaction(transaction: TransactionSerializable): TransactionSerializable {
  // What is not an object reaches the serializer as it is, for viem's own errors.
  if (typeof transaction !== "object" || transaction === null) return transaction;
  const names = propertyNames(transaction).filter((name) => name !== "kzg");
  const fields = Object.fromEntries(names.map((name) => [name, Reflect.get(transaction, name)]));
  const copy = snapshot(fields, "transaction") as TransactionSerializable;
  const { kzg } = transaction;
  return kzg === undefined ? copy : ({ ...copy, kzg } as TransactionSerializable);
}

/** EIP-4844, section "Networking": the payload of a blob transaction, which the network's wrapper has as its first element. */
function withoutSidecars(serialized: Hex): Hex {
  const [payload] = serialized.startsWith("0x03") ? (readFields(serialized) ?? []) : [];
  return Array.isArray(payload) ? concatHex(["0x03", toRlp(payload)]) : (serialized.toLowerCase() as Hex);
}

function isEthereums(serialized: Hex): boolean {
  return isLegacy(serialized) || /^0x0[1-4]/.test(serialized);
}

/** Whether the format is Ethereum's: legacy, types 1 to 4, or another type that adds yParity, r and s to its fields. */
function hasEthereumFormat(payload: Hex, serialized: Hex): boolean {
  if (isEthereums(payload) || isEthereums(serialized)) return true;
  const [before, after] = [readFields(payload), readFields(serialized)];
  return before !== undefined && before.length + 3 === after?.length;
}

/** The signed form of an unsigned transaction; undefined if that is not RLP. */
function addSignature(payload: Hex, { r, s, yParity }: ViemSignature): Hex | undefined {
  const fields = readFields(payload);
  if (fields === undefined) return undefined;
  const signature = [trim(r), trim(s)];
  if (!isLegacy(payload)) {
    return concatHex([sliceHex(payload, 0, 1), toRlp([...fields, yParity === 1 ? "0x01" : "0x", ...signature])]);
  }
  // EIP-155: the chain id follows the six fields of the transaction.
  const chainId = fields[6] as Hex | undefined;
  const v = BigInt(yParity) + (chainId === undefined ? 27n : hexToBigInt(chainId) * 2n + 35n);
  return toRlp([...fields.slice(0, 6), numberToHex(v), ...signature]);
}

/** EIP-2718: a legacy transaction is an RLP list; a typed one has its type before. */
function isLegacy(serialized: Hex): boolean {
  return /^0x[c-f]/i.test(serialized);
}

type RlpFields = readonly (Hex | RlpFields)[];

/** The fields of a serialized transaction; undefined if they are not an RLP list. */
function readFields(serialized: Hex): RlpFields | undefined {
  try {
    const fields: unknown = fromRlp(isLegacy(serialized) ? serialized : sliceHex(serialized, 1));
    return Array.isArray(fields) ? fields : undefined;
  } catch {
    return undefined;
  }
}

function requireSerializer(condition: unknown, message: string): asserts condition {
  assertArgument(condition, `the serializer ${message}`, "serializer", "[not shown]");
}

/** ethers and viem write the same hex strings: lower case, and addresses with the checksum of EIP-55. */
function asHex(text: string): Hex {
  return text as Hex;
}

async function signMessage(signer: RemoteSigner, message: SignableMessage): Promise<Hex> {
  // First, for viem's own errors.
  const hash = hashMessage(message);
  const bytes = typeof message === "string" ? toUtf8Bytes(message) : getBytes(message.raw);
  return signHashToHex(signer, hash, { type: "message", message: bytes });
}

async function signTypedData(signer: RemoteSigner, typedData: unknown): Promise<Hex> {
  const definition = typedData as TypedDataDefinition<Record<string, TypedDataField[]>, string>;
  return signHashToHex(signer, hashTypedData(definition), readTypedData(definition));
}

type TypedDataField = { readonly name: string; readonly type: string };

/** What ethers makes the same digest of: the types that the primary type refers to, and the fields of the domain that are declared. */
function readTypedData({
  domain = {},
  types,
  primaryType,
  message,
}: TypedDataDefinition<Record<string, TypedDataField[]>, string>): SigningPayload | undefined {
  if (primaryType === "EIP712Domain") return undefined;
  const used: Record<string, TypedDataField[]> = {};
  const use = (name: string) => {
    const fields = Object.hasOwn(types, name) ? types[name] : undefined;
    if (!fields || Object.hasOwn(used, name)) return;
    used[name] = fields.map(({ name, type }) => ({ name, type }));
    for (const { type } of fields) use(type.split("[")[0] ?? type);
  };
  use(primaryType);
  const declared = types["EIP712Domain"]?.map(({ name }) => name);
  const fields = Object.entries(domain).filter(([name]) => !declared || declared.includes(name));
  return { type: "typed-data", domain: Object.fromEntries(fields), types: used, value: message };
}

/** Signs exactly the 32 bytes of `hash`. @throws ethers' INVALID_ARGUMENT "invalid digest length". */
async function signHash(signer: RemoteSigner, hash: Hex, payload?: SigningPayload): Promise<ViemSignature> {
  const { r, s, v, yParity } = await signer.signDigest(hash, { payload });
  return { r: asHex(r), s: asHex(s), v: BigInt(v), yParity };
}

/** Like {@link signHash}, as 65 bytes: r, s, v with v 27 or 28. */
async function signHashToHex(signer: RemoteSigner, hash: Hex, payload?: SigningPayload): Promise<Hex> {
  const { serialized } = await signer.signDigest(hash, { payload });
  return asHex(serialized);
}
