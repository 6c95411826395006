import type { GetPublicKeyCommandOutput } from "@aws-sdk/client-kms";
import { getBytes, hashMessage } from "ethers";
import { type Call, Calls } from "../backend/calls.ts";
import { keyChanged } from "../backend/key-changed.ts";
import { copyBytes, equalBytes } from "../core/bytes.ts";
import { invalidResponse, isSignerError, type SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import { type RawSignature, signatureFromDer } from "../core/signature.ts";
import type { KeyCustody } from "../signer/custody.ts";
import { copyDigest } from "../signer/payload.ts";
import type { CallOptions, KeyHealth, RemoteKey } from "../signer/remote-key.ts";
import { KmsClient } from "./client.ts";
import { readCustody } from "./custody.ts";
import { checkKeyOptions, type KmsKeyOptions } from "./options.ts";
import { canName, decodeResponse, type PublishedKey, requireKeyArn, requireUsableKey } from "./response.ts";

/** What a store knows of a key, and what the key shares with it. */
export interface StoreKey {
  readonly client: KmsClient;
  readonly calls: Calls;
  readonly timeout: number;
  readonly published: PublishedKey;
}

/** A key of a store: it uses the store's client, and closing the store closes it, too. Set by the class, which alone can. */
export let storeKey: (source: StoreKey) => KmsKey;

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
  readonly #grantTokens: readonly string[] | undefined;
  #client: KmsClient;
  #calls: Calls;
  #isShared = false;
  #pinned: PublishedKey | undefined;

  static {
    storeKey = ({ client, calls, timeout, published }) => {
      const key = new KmsKey({ keyId: published.arn });
      key.#client = client;
      key.#isShared = true;
      key.#pinned = published;
      key.#calls = new Calls({ backend: key.backend, what: "key", id: key.id, timeout }, calls);
      return key;
    };
  }

  /** Does no I/O. @throws ethers' INVALID_ARGUMENT for options that cannot be right. */
  constructor(options: KmsKeyOptions) {
    const checked = checkKeyOptions(options);
    this.id = checked.keyId;
    this.#grantTokens = checked.grantTokens;
    this.#client = new KmsClient(checked);
    this.#calls = new Calls({ backend: this.backend, what: "key", id: this.id, timeout: checked.timeout });
  }

  /** Needs kms:GetPublicKey on the key. */
  async getPublicKey(options: CallOptions = {}): Promise<Uint8Array> {
    return this.#calls.run("getPublicKey", options, async (call) => {
      const { publicKey } = await this.#pin(call);
      return publicKey.slice();
    });
  }

  /** Needs kms:Sign on the key. KMS signs these 32 bytes as they are: MessageType DIGEST, ECDSA_SHA_256. */
  async signDigest(digest: Uint8Array, options: CallOptions = {}): Promise<RawSignature> {
    const message = copyDigest(digest);
    return this.#calls.run("signDigest", options, async (call) => {
      const pinned = await this.#pin(call);
      const response = await this.#sign(pinned, message, call);
      return decodeResponse(response, "signDigest", () => {
        requireSigner(pinned, response.KeyId);
        return signatureFromDer(copyBytes(response.Signature, "Signature"));
      });
    });
  }

  /** One GetPublicKey for the identifier as it was given; needs kms:GetPublicKey on the key that it names now. */
  async verifyIdentity(options: CallOptions = {}): Promise<void> {
    return this.#calls.run("verifyKey", options, async (call) => {
      const pinned = await this.#pin(call);
      const response = await this.#lookUp(call);
      decodeResponse(response, "verifyKey", () => {
        const arn = requireKeyArn(response.KeyId, this.id);
        const what = "this signer still signs by its own key, but the identifier now names";
        if (arn !== pinned.arn) throw moved(what, pinned, { arn, publicKey: publicKeyOf(response, this.id) });
        const { publicKey } = requireUsableKey(response, this.id);
        if (!equalBytes(publicKey, pinned.publicKey)) throw moved(what, pinned, { arn, publicKey });
      });
    });
  }

  /**
   * Asks whether Sign would succeed (DryRun) with the pinned key; needs kms:Sign, as signing does. KMS signs nothing. Emulators that do not
   * know DryRun sign a message that states its purpose; the signature is dropped.
   */
  async health(options: CallOptions = {}): Promise<KeyHealth> {
    const error = await this.#calls.run("health", options, async (call) => {
      try {
        await this.#sign(await this.#pin(call), HEALTH_DIGEST, call, { DryRun: true });
        return undefined;
      } catch (failure) {
        if (!isSignerError(failure) || call.signal.aborted) throw failure;
        return isDryRun(failure) ? undefined : failure.withContext(call.context);
      }
    });
    return { ready: error === undefined, error };
  }

  /** One DescribeKey for the pinned key; needs kms:DescribeKey on it. KMS attests nothing: see the guide on custody. */
  async custody(options: CallOptions = {}): Promise<KeyCustody> {
    return this.#calls.run("custody", options, async (call) => {
      const { arn } = await this.#pin(call);
      const response = await this.#client.send("DescribeKey", { KeyId: arn, ...this.#grants() }, call);
      return decodeResponse(response, "custody", () => readCustody(response, arn));
    });
  }

  /** Waits for the calls in flight, then ends the connections that were opened here. Idempotent. */
  async close(): Promise<void> {
    await this.#calls.close();
    if (!this.#isShared) await this.#client.close();
  }

  async #pin(call: Call): Promise<PublishedKey> {
    if (this.#pinned) return this.#pinned;
    const response = await this.#lookUp(call);
    const published = decodeResponse(response, "getPublicKey", () => requireUsableKey(response, this.id));
    // Of several at once the first counts, for all of them.
    this.#pinned ??= published;
    return this.#pinned;
  }

  #lookUp(call: Call) {
    return this.#client.send("GetPublicKey", { KeyId: this.id, ...this.#grants() }, call);
  }

  #sign({ arn }: PublishedKey, message: Uint8Array, call: Call, more?: { readonly DryRun: true }) {
    // The default of MessageType, RAW, would have KMS hash the digest once more.
    const request = { KeyId: arn, Message: message, MessageType: "DIGEST", SigningAlgorithm: "ECDSA_SHA_256" } as const;
    return this.#client.send("Sign", { ...request, ...this.#grants(), ...more }, call);
  }

  #grants(): { GrantTokens?: string[] } {
    return this.#grantTokens ? { GrantTokens: [...this.#grantTokens] } : {};
  }
}

// Where a DryRun is not heeded, as by emulators, this is what is signed: a message that cannot be mistaken for anything else.
const HEALTH_DIGEST = getBytes(hashMessage("ethers-hsm asks whether it may sign, with DryRun"));

/** Whether KMS says that a request would have succeeded. https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html */
function isDryRun(error: SignerError): boolean {
  return error.info?.["errorCode"] === "DryRunOperationException";
}

/** undefined if the identifier names a key now that is not for Ethereum, such as one of another curve. */
function publicKeyOf(response: GetPublicKeyCommandOutput, requested: string): Uint8Array | undefined {
  try {
    return requireUsableKey(response, requested).publicKey;
  } catch {
    return undefined;
  }
}

/** Sign names the key ARN, so any other key that answers is not the account's. */
function requireSigner(pinned: PublishedKey, answered: string | undefined): void {
  if (typeof answered !== "string" || answered === "")
    throw invalidResponse("Sign's response does not say which key signed");
  if (canName(pinned.arn, answered)) return;
  throw moved("nothing was returned, since KMS signed with", pinned, { arn: answered, publicKey: undefined });
}

function moved(
  what: string,
  { arn: keyId, publicKey }: PublishedKey,
  other: { readonly arn: string; readonly publicKey: Uint8Array | undefined },
): SignerError {
  const hint = "Point the alias back, or construct a new signer for the new account";
  const address = other.publicKey && addressFromPublicKey(other.publicKey);
  return keyChanged(what, hint, { keyId, publicKey }, { keyId: other.arn, address });
}
