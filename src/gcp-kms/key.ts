import { encodeBase64 } from "ethers";
import { type Call, Calls } from "../backend/calls.ts";
import { keyChanged } from "../backend/key-changed.ts";
import { equalBytes } from "../core/bytes.ts";
import { isSignerError, SignerError } from "../core/errors.ts";
import { addressFromPublicKey } from "../core/public-key.ts";
import { type RawSignature, signatureFromDer } from "../core/signature.ts";
import type { KeyCustody } from "../signer/custody.ts";
import { copyDigest } from "../signer/payload.ts";
import type { CallOptions, KeyHealth, RemoteKey } from "../signer/remote-key.ts";
import { GcpKmsClient } from "./client.ts";
import { crc32c } from "./crc32c.ts";
import { readCustody } from "./custody.ts";
import { checkKeyOptions, type GcpKmsKeyOptions } from "./options.ts";
import { damaged, type Message, readBytes, readPublicKey, requireChecksum, requireName } from "./response.ts";

/** What a store knows of a key, and what the key shares with it. */
export interface StoreKey {
  readonly client: GcpKmsClient;
  readonly calls: Calls;
  readonly timeout: number;
  /** The full name of the version. */
  readonly name: string;
  readonly publicKey: Uint8Array;
}

/** A key of a store: it uses the store's client, and closing the store closes it, too. Set by the class, which alone can. */
export let storeKey: (source: StoreKey) => GcpKmsKey;

/**
 * A secp256k1 key version in Google Cloud KMS.
 *
 * A version's material never changes, so its name is its identity. One GetPublicKey in all, and one AsymmetricSign per signature.
 */
export class GcpKmsKey implements RemoteKey {
  readonly backend = "gcp-kms";
  /** The full name of the key version. */
  readonly id: string;
  #client: GcpKmsClient;
  #calls: Calls;
  #publicKey: Uint8Array | undefined;

  static {
    storeKey = ({ client, calls, timeout, name, publicKey }) => {
      const key = new GcpKmsKey({ keyVersion: name });
      key.#client = client;
      key.#calls = new Calls({ backend: key.backend, what: "key", id: name, timeout }, calls);
      key.#publicKey = publicKey;
      return key;
    };
  }

  /** Does no I/O. @throws ethers' INVALID_ARGUMENT for options that cannot be right. */
  constructor(options: GcpKmsKeyOptions) {
    const checked = checkKeyOptions(options);
    this.id = checked.keyVersion;
    this.#client = new GcpKmsClient(checked);
    this.#calls = new Calls({ backend: this.backend, what: "key", id: this.id, timeout: checked.timeout });
  }

  /** Needs cloudkms.cryptoKeyVersions.viewPublicKey on the key. */
  async getPublicKey(options: CallOptions = {}): Promise<Uint8Array> {
    return this.#calls.run("getPublicKey", options, async (call) => {
      // Of several at once the first counts, for all of them.
      this.#publicKey ??= await this.#fetch(call);
      return this.#publicKey.slice();
    });
  }

  /** Needs cloudkms.cryptoKeyVersions.useToSign on the key. Cloud KMS signs any 32 bytes as they are, under the name of SHA-256. */
  async signDigest(digest: Uint8Array, options: CallOptions = {}): Promise<RawSignature> {
    const copy = copyDigest(digest);
    const request = {
      name: this.id,
      digest: { sha256: encodeBase64(copy) },
      digestCrc32c: String(crc32c(copy)),
    };
    return this.#calls.run("signDigest", options, (call) => {
      return this.#client.send("asymmetricSign", request, call, (message) => this.#readSignature(message));
    });
  }

  /** One GetPublicKey: another public key under the version's name is KEY_CHANGED. */
  async verifyIdentity(options: CallOptions = {}): Promise<void> {
    return this.#calls.run("verifyKey", options, async (call) => {
      const publicKey = await this.#fetch(call);
      this.#publicKey ??= publicKey;
      if (equalBytes(publicKey, this.#publicKey)) return;
      throw keyChanged(
        "although a version's key never changes, Cloud KMS now has the material of",
        "Check the endpoint, and whether the project was made again; construct a new signer for the new account",
        { keyId: this.id, publicKey: this.#publicKey },
        { keyId: this.id, address: addressFromPublicKey(publicKey) },
      );
    });
  }

  /**
   * Asks for the public key, which Cloud KMS returns of an ENABLED version alone, and whether the caller has
   * cloudkms.cryptoKeyVersions.useToSign on the key. It signs nothing.
   */
  async health(options: CallOptions = {}): Promise<KeyHealth> {
    const error = await this.#calls.run("health", options, async (call) => {
      try {
        await this.#fetch(call);
        return await missingPermission(this.#client, this.id, call);
      } catch (failure) {
        if (!isSignerError(failure) || call.signal.aborted) throw failure;
        return failure.withContext(call.context);
      }
    });
    return { ready: error === undefined, error };
  }

  /** One GetCryptoKeyVersion, whose response has the HSM's attestation; needs cloudkms.cryptoKeyVersions.get on the key. */
  async custody(options: CallOptions = {}): Promise<KeyCustody> {
    return this.#calls.run("custody", options, (call) => {
      return this.#client.send("getCryptoKeyVersion", { name: this.id }, call, (message) =>
        readCustody(message, this.id),
      );
    });
  }

  /** Waits for the calls in flight. The connections are the platform's, or the caller's client's. Idempotent. */
  async close(): Promise<void> {
    await this.#calls.close();
  }

  #fetch(call: Call): Promise<Uint8Array> {
    return this.#client.send("getPublicKey", { name: this.id }, call, (message) => readPublicKey(message, this.id));
  }

  #readSignature(message: Message): RawSignature {
    requireName(message, this.id);
    // Left out if it is false.
    if (message["verifiedDigestCrc32c"] !== true)
      throw damaged("the digest did not arrive with the checksum that was sent");
    const signature = readBytes("signature", message["signature"]);
    requireChecksum("signature", signature, message["signatureCrc32c"]);
    return signatureFromDer(signature);
  }
}

const USE_TO_SIGN = "cloudkms.cryptoKeyVersions.useToSign";

/** ACCESS_DENIED if the caller may not sign by a key; undefined otherwise. The question itself needs no permission. */
async function missingPermission(client: GcpKmsClient, name: string, call: Call): Promise<SignerError | undefined> {
  // Grants lie on the key, not on its versions.
  const resource = name.split("/cryptoKeyVersions/")[0];
  const request = { resource, permissions: [USE_TO_SIGN] };
  return client.send("testIamPermissions", request, call, ({ permissions }) => {
    if (Array.isArray(permissions) && permissions.includes(USE_TO_SIGN)) return undefined;
    return new SignerError(
      "ACCESS_DENIED",
      `the caller may not sign: grant it ${USE_TO_SIGN} on ${resource} (role roles/cloudkms.signerVerifier)`,
      { ...call.context, keyId: name, info: { source: "Cloud KMS", errorCode: "PERMISSION_DENIED" } },
    );
  });
}
