import type { CryptographyClient, KeyVaultKey } from "@azure/keyvault-keys";
import { type Call, Calls } from "../backend/calls.ts";
import { equalBytes } from "../core/bytes.ts";
import { invalidResponse } from "../core/errors.ts";
import { type RawSignature, signatureFromCompact } from "../core/signature.ts";
import type { KeyCustody } from "../signer/custody.ts";
import { copyDigest } from "../signer/payload.ts";
import type { CallOptions, KeyHealth, RemoteKey } from "../signer/remote-key.ts";
import { cryptographyClient, type Response, VaultClient } from "./client.ts";
import { isNotOffered, readAttestation, readCustody } from "./custody.ts";
import { formatKeyUrl, type KeyUrl, parseKeyUrl, sameKeyUrl } from "./key-url.ts";
import { addressOf, type KeyVersion, usableVersion, versionChanged, versionUrl } from "./key-version.ts";
import { type AzureKeyClient, type AzureKeyVaultKeyOptions, checkKeyOptions } from "./options.ts";

interface PinnedKey {
  readonly version: KeyVersion;
  readonly cryptography: CryptographyClient;
}

/** What a store knows of a key, and what the key shares with it. */
export interface StoreKey {
  readonly client: AzureKeyClient;
  readonly calls: Calls;
  readonly timeout: number;
  /** Without the version if the key is listed by its current one. */
  readonly url: KeyUrl;
  readonly version: KeyVersion;
}

/** A key of a store: it uses the store's client, and closing the store closes it, too. Set by the class, which alone can. */
export let storeKey: (source: StoreKey) => AzureKeyVaultKey;

/**
 * A secp256k1 key pair in Azure Key Vault or Managed HSM.
 *
 * The first call gets the key and pins its version; each signature after that is one request, and names that version. The
 * identity needs keys/get and keys/sign.
 */
export class AzureKeyVaultKey implements RemoteKey {
  readonly backend = "azure-key-vault";
  /** The key's URL as the options have it: without a version if they name none. */
  readonly id: string;
  readonly #requested: KeyUrl;
  readonly #client: VaultClient;
  #calls: Calls;
  #pinned: PinnedKey | undefined;

  static {
    storeKey = ({ client, calls, timeout, url, version }) => {
      const { vaultUrl, name: keyName, version: keyVersion } = url;
      const key = new AzureKeyVaultKey({ client, vaultUrl, keyName, keyVersion, timeout });
      key.#calls = new Calls({ backend: key.backend, what: "key", id: key.id, timeout }, calls);
      key.#pinned = { version, cryptography: cryptographyClient(client, version) };
      return key;
    };
  }

  /** Does no I/O. @throws ethers' INVALID_ARGUMENT for options that cannot be right. */
  constructor(options: AzureKeyVaultKeyOptions) {
    const { key, ...vault } = checkKeyOptions(options);
    this.#requested = key;
    this.id = formatKeyUrl(key);
    this.#client = new VaultClient(vault);
    this.#calls = new Calls({ backend: this.backend, what: "key", id: this.id, timeout: vault.timeout });
  }

  async getPublicKey(options: CallOptions = {}): Promise<Uint8Array> {
    return this.#calls.run("getPublicKey", options, async (call) => {
      const { version } = await this.#pin(call);
      return version.publicKey.slice();
    });
  }

  async signDigest(digest: Uint8Array, options: CallOptions = {}): Promise<RawSignature> {
    const bytes = copyDigest(digest);
    return this.#calls.run("signDigest", options, async (call) => {
      // The SDK's first request of all goes out without its body, and is not always retried with it if others start
      // beside it. The first one is therefore never a signature: it gets the key.
      const { version, cryptography } = await this.#pin(call);
      const response = await this.#client.send("sign", call, (_client, sdk) =>
        cryptography.sign(version.algorithm, bytes, sdk),
      );
      requireSigner(version, response);
      return signatureFromCompact(response.value.result);
    });
  }

  /**
   * Gets the key again, by the URL of the options, and compares it with the pinned version.
   *
   * @throws SignerError KEY_CHANGED if it is another version or other material now; KEY_UNUSABLE if it can no longer
   *   sign.
   */
  async verifyIdentity(options: CallOptions = {}): Promise<void> {
    return this.#calls.run("verifyKey", options, async (call) => {
      if (!this.#pinned) return void (await this.#pin(call));
      const { version } = this.#pinned;
      const key = await this.#getKey(this.#requested, call);
      const url = versionUrl(key, this.#requested);
      const other = { keyId: formatKeyUrl(url), address: addressOf(key) };
      if (!sameKeyUrl(url, version.url)) throw versionChanged("the key's current version is", version, other);
      const { publicKey } = usableVersion(key, this.#requested);
      if (!equalBytes(publicKey, version.publicKey))
        throw versionChanged("the vault now has other material:", version, other);
    });
  }

  /**
   * Whether the pinned version is enabled and inside its dates; needs keys/get. Azure has no request that tries keys/sign without signing. A
   * rotation does not matter: the pinned version continues to sign.
   */
  async health(options: CallOptions = {}): Promise<KeyHealth> {
    await this.#calls.run("health", options, async (call) => {
      const { version } = await this.#pin(call);
      usableVersion(await this.#getKey(version.url, call), version.url);
    });
    return { ready: true, error: undefined };
  }

  /**
   * The key's properties and, of a key in hardware, its attestation, which a Managed HSM offers and a vault does not; needs keys/get. With a
   * `client` that lacks `getKeyAttestation` there is no attestation.
   */
  async custody(options: CallOptions = {}): Promise<KeyCustody> {
    return this.#calls.run("custody", options, async (call) => {
      const { version } = await this.#pin(call);
      const claims = readCustody(await this.#getKey(version.url, call));
      const isInHsm = claims.findings.some(({ property, value }) => property === "hardware" && value === true);
      return isInHsm ? { ...claims, evidence: await this.#attestation(version, call) } : claims;
    });
  }

  async #attestation(version: KeyVersion, call: Call) {
    const { name, version: keyVersion } = version.url;
    try {
      const { value } = await this.#client.send("attest", call, async (client, sdk) =>
        client.getKeyAttestation?.(name, { ...sdk, version: keyVersion }),
      );
      return value && readAttestation(value, version);
    } catch (error) {
      if (isNotOffered(error)) return undefined;
      throw error;
    }
  }

  /** Waits for the calls in flight. Idempotent. */
  async close(): Promise<void> {
    await this.#calls.close();
    this.#client.close();
  }

  async #pin(call: Call): Promise<PinnedKey> {
    if (this.#pinned) return this.#pinned;
    const version = usableVersion(await this.#getKey(this.#requested, call), this.#requested);
    const cryptography = cryptographyClient(await this.#client.client(), version);
    // Of several at once the first counts, for all of them.
    this.#pinned ??= { version, cryptography };
    return this.#pinned;
  }

  async #getKey({ name, version }: KeyUrl, call: Call): Promise<KeyVaultKey> {
    const { value } = await this.#client.send("get", call, (client, sdk) =>
      client.getKey(name, version === undefined ? sdk : { ...sdk, version }),
    );
    return value;
  }
}

/** The response's own `kid` counts: the SDK's `keyID` is the one that was requested. */
function requireSigner(version: KeyVersion, { kid }: Response<unknown>): void {
  const url = parseKeyUrl(kid);
  if (!url) throw invalidResponse("the response does not say which key signed (kid)");
  if (sameKeyUrl(url, version.url)) return;
  throw versionChanged("nothing was returned, since the vault signed with", version, {
    keyId: formatKeyUrl(url),
    address: undefined,
  });
}
