import type { GetPublicKeyCommandOutput } from "@aws-sdk/client-kms";
import { copyBytes, equalBytes } from "../core/bytes.ts";
import { invalidResponse, SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import { type RawSignature, signatureFromDer } from "../core/signature.ts";
import { copyDigest } from "../signer/payload.ts";
import type { CallOptions, RemoteKey } from "../signer/remote-key.ts";
import { decodeAnswer, type PublishedKey, requireKeyArn, requireUsableKey } from "./answer.ts";
import { KmsConnection } from "./connection.ts";
import { canName } from "./key-name.ts";
import { KnownKey } from "./known-key.ts";
import { checkOptions, type KmsKeyOptions } from "./options.ts";

/**
 * A secp256k1 key pair in AWS KMS.
 *
 * The first GetPublicKey resolves the identifier to a key ARN, which is pinned: every Sign names that ARN, so an alias that
 * moves later does not move the account. One GetPublicKey in all, and one Sign per signature.
 */
export class KmsKey implements RemoteKey {
  readonly backend = "aws-kms";
  /** The identifier as it was given: a key id, key ARN, alias name or alias ARN. */
  readonly id: string;
  readonly #connection: KmsConnection;
  readonly #grantTokens: string[] | undefined;
  #pinned: PublishedKey | undefined;

  /**
   * Does no I/O.
   *
   * @param source the options; or what a store knows of the key, which no request asks for again.
   */
  constructor(source: KmsKeyOptions | KnownKey) {
    if (source instanceof KnownKey) {
      this.id = source.published.arn;
      this.#pinned = source.published;
      this.#connection = new KmsConnection(source.connection);
    } else {
      const { keyId, grantTokens, client, config } = checkOptions(source);
      this.id = keyId;
      this.#grantTokens = grantTokens && [...grantTokens];
      this.#connection = new KmsConnection({ client, config, owner: "key" });
    }
  }

  /** Needs kms:GetPublicKey on the key. */
  async getPublicKey(options: CallOptions = {}): Promise<Uint8Array> {
    const { publicKey } = await this.#pin(options);
    return publicKey.slice();
  }

  /** Needs kms:Sign on the key. KMS signs these 32 bytes as they are: MessageType DIGEST, ECDSA_SHA_256. */
  async signDigest(digest: Uint8Array, options: CallOptions = {}): Promise<RawSignature> {
    const message = copyDigest(digest);
    const pinned = await this.#pin(options);
    const answer = await this.#connection.sign(
      {
        KeyId: pinned.arn,
        Message: message,
        // The default, RAW, would have KMS hash the digest once more.
        MessageType: "DIGEST",
        SigningAlgorithm: "ECDSA_SHA_256",
        ...this.#grants(),
      },
      options,
    );
    return decodeAnswer(answer, "Sign", () => {
      requireSigner(pinned, answer.KeyId);
      return signatureFromDer(copyBytes(answer.Signature, "Signature"));
    });
  }

  /** One GetPublicKey for the identifier as it was given; needs kms:GetPublicKey on the key that it names now. */
  async verifyIdentity(options: CallOptions = {}): Promise<void> {
    const pinned = await this.#pin(options);
    const answer = await this.#lookUp(options);
    decodeAnswer(answer, "verifyKey", () => {
      const arn = requireKeyArn(answer.KeyId, this.id);
      const moved = (publicKey: Uint8Array | undefined) =>
        keyChanged("this signer still signs by its own key, but the identifier now names", pinned, { arn, publicKey });
      if (arn !== pinned.arn) throw moved(publicKeyOf(answer, this.id));
      const { publicKey } = requireUsableKey(answer, this.id);
      if (!equalBytes(publicKey, pinned.publicKey)) throw moved(publicKey);
    });
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #pin(options: CallOptions): Promise<PublishedKey> {
    this.#connection.requireOpen();
    if (this.#pinned) return this.#pinned;
    const answer = await this.#lookUp(options);
    const published = decodeAnswer(answer, "GetPublicKey", () => requireUsableKey(answer, this.id));
    // Of several at once the first counts, for all of them.
    this.#pinned ??= published;
    return this.#pinned;
  }

  #lookUp(options: CallOptions) {
    return this.#connection.getPublicKey({ KeyId: this.id, ...this.#grants() }, options);
  }

  #grants(): { GrantTokens?: string[] } {
    return this.#grantTokens ? { GrantTokens: [...this.#grantTokens] } : {};
  }
}

/** undefined where the identifier names a key now that is not for Ethereum, such as one of another curve. */
function publicKeyOf(answer: GetPublicKeyCommandOutput, asked: string): Uint8Array | undefined {
  try {
    return requireUsableKey(answer, asked).publicKey;
  } catch {
    return undefined;
  }
}

/** Sign was asked by the key ARN, so whatever else answered is not the account's key. */
function requireSigner(pinned: PublishedKey, answered: string | undefined): void {
  if (typeof answered !== "string" || answered === "")
    throw invalidResponse("Sign's answer does not say which key signed");
  if (canName(pinned.arn, answered)) return;
  throw keyChanged("nothing was returned, since KMS signed with", pinned, { arn: answered, publicKey: undefined });
}

function keyChanged(
  what: string,
  pinned: PublishedKey,
  other: { readonly arn: string; readonly publicKey: Uint8Array | undefined },
): SignerError {
  const previous = { keyId: pinned.arn, address: addressFromPublicKey(pinned.publicKey) };
  const current = { keyId: other.arn, address: other.publicKey && addressFromPublicKey(other.publicKey) };
  return new SignerError(
    "KEY_CHANGED",
    `${what} ${current.keyId} (${current.address ?? "no known account"}) instead of the pinned ${previous.keyId} ` +
      `(${previous.address}). Point the alias back, or construct a new signer for the new account`,
    { info: { previous, current } },
  );
}
