import {
  AbstractSigner,
  type Authorization,
  type AuthorizationRequest,
  assert,
  assertArgument,
  type BytesLike,
  copyRequest,
  getAddress,
  getBigInt,
  hashAuthorization,
  hashMessage,
  hexlify,
  keccak256,
  type Provider,
  resolveAddress,
  type Signature,
  Transaction,
  type TransactionLike,
  type TransactionRequest,
  type TypedDataDomain,
  TypedDataEncoder,
  type TypedDataField,
  toUtf8Bytes,
} from "ethers";
import type { CustodyReport } from "./custody.ts";
import { FailoverKey } from "./failover-key.ts";
import { copyDigest } from "./payload.ts";
import type { CallOptions, KeyHealth, RemoteKey, SignOptions } from "./remote-key.ts";
import { snapshot } from "./snapshot.ts";
import { type CustodyOptions, type RemoteSignerOptions, type SigningKey, VerifiedKey } from "./verified-key.ts";

/**
 * An ethers signer whose private key lives elsewhere. It behaves as `ethers.Wallet` does with the same key: the same
 * results, the same errors.
 *
 * The public key is fetched once, at the first call that needs it, and kept; a failed fetch is retried at the
 * next call. Every signature is checked against it before it is returned: a backend that responds with another key, another
 * digest or anything malformed causes a {@link SignerError}, never a signature. What is signed is what was passed at the call,
 * whatever the caller's objects become while the backend signs.
 *
 * It has no `signMessageSync` and no `authorizeSync`, and it keeps no count of nonces: send in parallel through the provider of
 * `ethers-hsm/eip1193`, or through ethers' `NonceManager`, which leaves a gap after a failed send.
 *
 * @throws SignerError from every method that needs the backend; errors of ethers for a caller's mistakes.
 */
export class RemoteSigner<Health extends KeyHealth = KeyHealth> extends AbstractSigner<null | Provider> {
  readonly #key: SigningKey;

  /**
   * Does no I/O.
   *
   * @param source the key; or a signer, to share its key, its caches and its options.
   * @param provider for everything that needs the chain. Default: null.
   * @param options for a key. A signer and a FailoverKey bring their own.
   */
  constructor(source: RemoteKey | RemoteSigner<Health>, provider?: null | Provider, options: RemoteSignerOptions = {}) {
    super(provider ?? null);
    const isFailover = source instanceof FailoverKey;
    assertArgument(
      !isFailover || Object.values(options).every((option) => option === undefined),
      "a FailoverKey has options of its own: pass these to it",
      "options",
      Object.keys(options),
    );
    if (#key in source) this.#key = source.#key;
    else this.#key = isFailover ? source : new VerifiedKey(source, options);
  }

  /**
   * Constructs the signer and fetches the public key at once: wrong credentials, permissions, keys and addresses cause its error. Only a
   * signature proves that the key may sign. The arguments are the constructor's.
   */
  static async create<Signer extends RemoteSigner, Arguments extends unknown[]>(
    this: new (
      ...parameters: Arguments
    ) => Signer,
    ...parameters: Arguments
  ): Promise<Signer> {
    const signer = new this(...parameters);
    try {
      await signer.getAddress();
      return signer;
    } catch (error) {
      // The first failure is the one to report.
      await signer.close().catch(() => {});
      throw error;
    }
  }

  /** The kind of backend, for example `"pkcs11"`. */
  get backend(): string {
    return this.#key.backend;
  }

  /** The vendor's identifier of the key; not a secret. */
  get keyId(): string {
    return this.#key.id;
  }

  /** The account's address with the checksum of EIP-55. The first call fetches the public key. */
  override async getAddress(): Promise<string> {
    const { address } = await this.#key.identity({});
    return address;
  }

  /** The public key, SEC1 uncompressed: 65 bytes as a hex string that begins with `0x04`. The first call fetches it. */
  async getPublicKey(options: CallOptions = {}): Promise<string> {
    const { publicKey } = await this.#key.identity(options);
    return hexlify(publicKey);
  }

  /** A signer with another provider, or with none, that shares this one's key and what is known of it. */
  override connect(provider: null | Provider): RemoteSigner<Health> {
    return new RemoteSigner(this, provider);
  }

  /**
   * Whether the key could sign now, and what its backend knows besides. It signs nothing, and does not fail: what is wrong is in
   * `error`. It rejects only with the signal's `reason`.
   */
  async health(options: CallOptions = {}): Promise<Health> {
    return (await this.#key.health(options)) as Health;
  }

  /**
   * Where the private key is kept, as far as its backend states it and, with `verifyAttestation`, an HSM's signed statement proves it. The
   * guide on custody says what each backend can show, which permissions that needs, and what no report proves. It signs nothing.
   *
   * @throws SignerError if the backend cannot be asked. What it does not know is `"unknown"` in the report.
   * @example
   * const report = await signer.custody({ verifyAttestation });
   */
  async custody(options: CustodyOptions = {}): Promise<CustodyReport> {
    return this.#key.custody(options);
  }

  /**
   * Asks the backend which key the identifier names now. It changes nothing: this signer keeps signing with the key that it pinned.
   *
   * @throws SignerError KEY_CHANGED if it names another key than at the first call, as an alias or a rotated key can; `info.previous` and
   *   `info.current` have each one's `keyId` and `address`, undefined if the new one is not for Ethereum.
   */
  async verifyKey(options: CallOptions = {}): Promise<void> {
    await this.#key.verifyIdentity(options);
  }

  /**
   * Signs exactly these 32 bytes. It does not hash, prefix or domain-separate them: a caller that controls the digest can spend
   * the account's funds.
   *
   * Every other signing method ends here.
   *
   * @param digest 32 bytes, as bytes or as a hex string.
   * @param options `payload` says what the digest was made of, for keys that ask for approval before they sign.
   * @returns r, s ≤ n/2 (EIP-2) and the yParity, verified against the account's public key.
   * @throws ethers' INVALID_ARGUMENT "invalid digest length"; the signal's `reason` if it aborts.
   */
  async signDigest(digest: BytesLike, { signal, payload }: SignOptions = {}): Promise<Signature> {
    return this.#key.sign(copyDigest(digest), { signal, payload: snapshot(payload, "payload") });
  }

  /** Fills in nonce, gas and fees through the provider, as ethers does. The result shares nothing with the request. */
  override async populateTransaction(tx: TransactionRequest): Promise<TransactionLike<string>> {
    const own = copyTransaction(tx);
    for (const [name, value] of Object.entries(own)) {
      // As it was passed, for Wallet's own errors, which show it.
      if (typeof value === "bigint" || typeof value === "number") Reflect.set(own, name, Reflect.get(tx, name));
    }
    return super.populateTransaction(own);
  }

  /**
   * Signs a transaction of type 0, 1, 2, 3 or 4 and returns it serialized, ready for `broadcastTransaction`. Nothing is
   * filled in: use `populateTransaction` first, or `sendTransaction`, which does both. The request is not changed.
   */
  override async signTransaction(tx: TransactionRequest): Promise<string> {
    const request = copyTransaction(tx);
    const [to, from] = await Promise.all([this.#resolveAddress(request.to), this.#resolveAddress(request.from)]);
    if (to !== null) request.to = to;
    if (from !== null) {
      assertArgument(
        getAddress(from) === (await this.getAddress()),
        "transaction from address mismatch",
        "tx.from",
        from,
      );
    }
    // Transaction.from takes `from` for the sender of a signature, which is yet to be made.
    delete request.from;
    const transaction = Transaction.from(request as Parameters<typeof Transaction.from>[0]);
    // Its keccak-256 is `transaction.unsignedHash`, which would encode all of it once more.
    const unsigned = transaction.unsignedSerialized;
    transaction.signature = await this.signDigest(keccak256(unsigned), { payload: { type: "transaction", unsigned } });
    return transaction.serialized;
  }

  /** Signs a message (EIP-191, version 0x45): a string as UTF-8, also one that looks like hex; bytes as they are. */
  override async signMessage(message: string | Uint8Array): Promise<string> {
    // What is neither reaches hashMessage as it is, for Wallet's own errors.
    const own = message instanceof Uint8Array ? new Uint8Array(message) : message;
    const bytes = typeof own === "string" ? toUtf8Bytes(own) : own;
    const signature = await this.signDigest(hashMessage(bytes), { payload: { type: "message", message: bytes } });
    return signature.serialized;
  }

  /**
   * Signs typed data (EIP-712). ENS names in it are resolved through the provider.
   *
   * @throws ethers' INVALID_ARGUMENT also for more than 100,000 values or 100 levels.
   */
  override async signTypedData(
    domain: TypedDataDomain,
    types: Record<string, TypedDataField[]>,
    // biome-ignore lint/suspicious/noExplicitAny: the signature of ethers' Signer.
    value: Record<string, any>,
  ): Promise<string> {
    const own = snapshot({ domain, types, value }, "value");
    const names = (name: string) => this.#resolveEnsName(name);
    const populated = await TypedDataEncoder.resolveNames(own.domain, own.types, own.value, names);
    const signature = await this.signDigest(TypedDataEncoder.hash(populated.domain, own.types, populated.value), {
      payload: { type: "typed-data", types: own.types, ...populated },
    });
    return signature.serialized;
  }

  /**
   * Signs an authorization (EIP-7702) to run `address`'s code in this account. A chainId of 0 holds on every chain.
   *
   * The nonce, if absent, is the account's current one: if this account also sends the transaction, pass one more.
   */
  override async authorize(request: AuthorizationRequest): Promise<Authorization> {
    // By name: a spread would drop the getters of a class, and a field that is absent is filled in.
    const own = { address: request.address, nonce: request.nonce, chainId: request.chainId };
    const address = await resolveAddress(own.address, this);
    const populated = await this.populateAuthorization({ ...own, address } as AuthorizationRequest);
    const tuple = {
      address: getAddress(address),
      nonce: getBigInt(populated.nonce ?? 0),
      chainId: getBigInt(populated.chainId ?? 0),
    };
    const signature = await this.signDigest(hashAuthorization(populated), {
      payload: { type: "authorization", ...tuple },
    });
    return { ...tuple, signature };
  }

  /**
   * Ends what the key opened: sessions, connections. It holds for every signer that shares the key through `connect()`.
   * Idempotent; later calls fail with SIGNER_CLOSED. It waits for the calls in flight, but no longer than `timeout`:
   * BACKEND_TIMEOUT then, and the key continues to close.
   */
  async close(): Promise<void> {
    await this.#key.close();
  }

  /** What a log may show: never the key, its options or the provider. */
  toJSON(): Record<string, unknown> {
    return { backend: this.backend, keyId: this.keyId, address: this.#key.knownAddress };
  }

  [Symbol.for("nodejs.util.inspect.custom")](
    _depth: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    return `${this.constructor.name} ${inspect(this.toJSON(), options)}`;
  }

  // Asynchronous as a whole, since ethers throws at once for some addresses: both must be awaited before either fails.
  async #resolveAddress(target: TransactionRequest["to"]): Promise<string | null> {
    return target ? resolveAddress(target, this) : null;
  }

  async #resolveEnsName(name: string): Promise<string> {
    assert(this.provider !== null, "cannot resolve ENS names without a provider", "UNSUPPORTED_OPERATION", {
      operation: "resolveName",
      info: { name },
    });
    const address = await this.provider.resolveName(name);
    assert(address !== null, "unconfigured ENS name", "UNCONFIGURED_NAME", { value: name });
    return address;
  }
}

/** copyRequest, and a copy of what that shares with the caller: the authorizations and the blobs. */
function copyTransaction(tx: TransactionRequest): TransactionRequest {
  const request: TransactionRequest = copyRequest(tx);
  const { authorizationList, blobs } = request;
  if (authorizationList) request.authorizationList = snapshot(authorizationList, "tx.authorizationList");
  if (blobs) request.blobs = snapshot(blobs, "tx.blobs");
  return request;
}
