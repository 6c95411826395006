import {
  AbstractSigner,
  type Authorization,
  type AuthorizationRequest,
  assert,
  assertArgument,
  type BytesLike,
  copyRequest,
  dataLength,
  getAddress,
  getBigInt,
  getBytesCopy,
  hashAuthorization,
  hashMessage,
  hexlify,
  keccak256,
  type Provider,
  resolveAddress,
  type Signature,
  Transaction,
  type TransactionRequest,
  type TypedDataDomain,
  TypedDataEncoder,
  type TypedDataField,
  toUtf8Bytes,
} from "ethers";
import { RemoteAccount, type RemoteSignerOptions } from "./remote-account.ts";
import type { CallOptions, RemoteKey, SignOptions } from "./remote-key.ts";

/**
 * An ethers signer whose private key lives elsewhere. It behaves as `ethers.Wallet` does with the same key: the same
 * results, the same errors.
 *
 * The public key is fetched once, at the first call that needs it, and kept for good; a failed fetch is tried again at the
 * next call. Every signature is checked against it before it is returned: a backend that answers with another key, another
 * digest or anything malformed gives a {@link SignerError}, never a signature.
 *
 * It has no `signMessageSync` and no `authorizeSync`, and it keeps no count of nonces: send in parallel through the provider of
 * `ethers-hsm/eip1193`, or through ethers' `NonceManager`, which leaves a gap after a failed send.
 *
 * @throws SignerError from every method that needs the backend; errors of ethers for a caller's mistakes.
 */
export class RemoteSigner extends AbstractSigner<null | Provider> {
  readonly #account: RemoteAccount;

  /**
   * Does no I/O.
   *
   * @param source the key; or a signer, to share its key, its caches and its options.
   * @param provider for everything that needs the chain. Default: null.
   * @param options for a key; a signer brings its own.
   */
  constructor(source: RemoteKey | RemoteSigner, provider?: null | Provider, options: RemoteSignerOptions = {}) {
    super(provider ?? null);
    this.#account = #account in source ? source.#account : new RemoteAccount(source, options);
  }

  /** The kind of backend, for example `"pkcs11"`. */
  get backend(): string {
    return this.#account.backend;
  }

  /** The vendor's identifier of the key; no secret. */
  get keyId(): string {
    return this.#account.keyId;
  }

  /** The account's address with the checksum of EIP-55. The first call fetches the public key. */
  override async getAddress(): Promise<string> {
    const { address } = await this.#account.identity();
    return address;
  }

  /** The public key, SEC1 uncompressed: 65 bytes as a hex string that begins with `0x04`. The first call fetches it. */
  async getPublicKey(options: CallOptions = {}): Promise<string> {
    const { publicKey } = await this.#account.identity(options.signal);
    return hexlify(publicKey);
  }

  /** A signer with another provider, or with none, that shares this one's key and what is known of it. */
  override connect(provider: null | Provider): RemoteSigner {
    return new RemoteSigner(this, provider);
  }

  /**
   * Signs exactly these 32 bytes. It does not hash, prefix or domain-separate them: whoever chooses the digest can spend
   * what the account owns.
   *
   * Every other signing method ends here.
   *
   * @param digest 32 bytes, as bytes or as a hex string.
   * @param options `content` says what the digest was made of, for keys that ask somebody before they sign.
   * @returns r, s ≤ n/2 (EIP-2) and the yParity, verified against the account's public key.
   * @throws ethers' INVALID_ARGUMENT "invalid digest length"; the signal's `reason` where it aborts.
   */
  async signDigest(digest: BytesLike, options: SignOptions = {}): Promise<Signature> {
    assertArgument(dataLength(digest) === 32, "invalid digest length", "digest", digest);
    return this.#account.signDigest(getBytesCopy(digest), options);
  }

  /**
   * Signs a transaction of type 0, 1, 2, 3 or 4 and returns it serialized, ready for `broadcastTransaction`. Nothing is
   * filled in: use `populateTransaction` first, or `sendTransaction`, which does both. The request is not changed.
   */
  override async signTransaction(tx: TransactionRequest): Promise<string> {
    const request = copyRequest(tx);
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
    transaction.signature = await this.signDigest(keccak256(unsigned), { content: { type: "transaction", unsigned } });
    return transaction.serialized;
  }

  /** Signs a message (EIP-191, version 0x45): a string as UTF-8, also one that looks like hex; bytes as they are. */
  override async signMessage(message: string | Uint8Array): Promise<string> {
    const bytes = typeof message === "string" ? toUtf8Bytes(message) : message;
    const signature = await this.signDigest(hashMessage(bytes), {
      content: { type: "message", message: bytes.slice() },
    });
    return signature.serialized;
  }

  /** Signs typed data (EIP-712). ENS names in it are resolved through the provider. */
  override async signTypedData(
    domain: TypedDataDomain,
    types: Record<string, TypedDataField[]>,
    // biome-ignore lint/suspicious/noExplicitAny: the signature of ethers' Signer.
    value: Record<string, any>,
  ): Promise<string> {
    const populated = await TypedDataEncoder.resolveNames(domain, types, value, (name) => this.#resolveEnsName(name));
    const signature = await this.signDigest(TypedDataEncoder.hash(populated.domain, types, populated.value), {
      content: { type: "typed-data", types, ...populated },
    });
    return signature.serialized;
  }

  /**
   * Signs an authorization (EIP-7702) to run `address`'s code in this account. A chainId of 0 holds on every chain.
   *
   * The nonce, where absent, is the account's current one: where this account also sends the transaction, pass one more.
   */
  override async authorize(request: AuthorizationRequest): Promise<Authorization> {
    const address = await resolveAddress(request.address, this);
    const populated = await this.populateAuthorization({ ...request, address });
    const tuple = {
      address: getAddress(address),
      nonce: getBigInt(populated.nonce ?? 0),
      chainId: getBigInt(populated.chainId ?? 0),
    };
    const signature = await this.signDigest(hashAuthorization(populated), {
      content: { type: "authorization", ...tuple },
    });
    return { ...tuple, signature };
  }

  /**
   * Ends what the key opened: sessions, connections. It holds for every signer that shares the key through `connect()`.
   * Idempotent; later calls fail with SIGNER_CLOSED. It waits for the calls in flight, though no longer than `timeout`:
   * BACKEND_TIMEOUT then, and the key goes on closing by itself.
   */
  async close(): Promise<void> {
    await this.#account.close();
  }

  /** What a log may show: never the key, its options or the provider. */
  toJSON(): Record<string, unknown> {
    return { backend: this.backend, keyId: this.keyId, address: this.#account.knownAddress };
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
