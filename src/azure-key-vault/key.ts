import type { CryptographyClient, KeyVaultKey } from "@azure/keyvault-keys";
import { equalBytes } from "../core/bytes.ts";
import { invalidResponse } from "../core/errors.ts";
import { type RawSignature, signatureFromCompact } from "../core/signature.ts";
import { copyDigest } from "../signer/payload.ts";
import type { CallOptions, RemoteKey } from "../signer/remote-key.ts";
import { Calls } from "./calls.ts";
import { cryptographyClient } from "./client.ts";
import { keyChanged } from "./key-changed.ts";
import { formatKeyUrl, type KeyUrl, parseKeyUrl, sameKeyUrl } from "./key-url.ts";
import { addressOf, type KeyVersion, usableVersion, versionUrl } from "./key-version.ts";
import { type AzureKeyClient, type AzureKeyVaultKeyOptions, checkOptions } from "./options.ts";
import { type Answer, type Call, send } from "./send.ts";
import { Vault } from "./vault.ts";

interface PinnedKey {
  readonly version: KeyVersion;
  readonly cryptography: CryptographyClient;
}

interface SharedClientOptions extends AzureKeyVaultKeyOptions {
  readonly client: AzureKeyClient;
}

/**
 * A key with its version pinned already: for stores, whose client it shares and whose closing ends it too. It is set by the
 * class itself, which alone may.
 */
export let pinnedKey: (options: SharedClientOptions, version: KeyVersion, store: Calls) => AzureKeyVaultKey;

/**
 * A secp256k1 key pair in Azure Key Vault or Managed HSM.
 *
 * The first call gets the key and pins its version; each signature after that is one request, and names that version. The
 * identity needs keys/get and keys/sign.
 */
export class AzureKeyVaultKey implements RemoteKey {
  readonly backend = "azure-key-vault";
  /** The key's URL as the options have it: without a version where they name none. */
  readonly id: string;
  readonly #asked: KeyUrl;
  readonly #vault: Vault;
  #calls: Calls;
  #pinned: PinnedKey | undefined;

  static {
    pinnedKey = (options, version, store) => {
      const key = new AzureKeyVaultKey(options);
      key.#calls = key.#calls.within(store);
      key.#pinned = { version, cryptography: cryptographyClient(options.client, version) };
      return key;
    };
  }

  /** Does no I/O. @throws ethers' INVALID_ARGUMENT for options that cannot be right. */
  constructor(options: AzureKeyVaultKeyOptions) {
    const { key, vaultUrl, access, timeout } = checkOptions(options);
    this.#asked = key;
    this.id = formatKeyUrl(key);
    this.#vault = new Vault({ vaultUrl, access, timeout });
    this.#calls = new Calls({ what: "key", id: this.id, vaultUrl, timeout });
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
      // The SDK's first request of all goes out without its body, and is not always repeated with it when others start
      // beside it. The first one is therefore never a signature: it gets the key.
      const { version, cryptography } = await this.#pin(call);
      const answer = await send("sign", call, (sdk) => cryptography.sign(version.algorithm, bytes, sdk));
      requireSigner(version, answer);
      return signatureFromCompact(answer.value.result);
    });
  }

  /**
   * Gets the key again, by the URL of the options, and compares it with the pinned version.
   *
   * @throws SignerError KEY_CHANGED where it is another version or other material now; KEY_UNUSABLE where it can no longer
   *   sign.
   */
  async verifyIdentity(options: CallOptions = {}): Promise<void> {
    return this.#calls.run("verifyKey", options, async (call) => {
      if (!this.#pinned) return void (await this.#pin(call));
      const { version } = this.#pinned;
      const key = await this.#getKey(call);
      const url = versionUrl(key, this.#asked);
      const other = { keyId: formatKeyUrl(url), address: addressOf(key) };
      if (!sameKeyUrl(url, version.url)) throw keyChanged("the key's current version is", version, other);
      const { publicKey } = usableVersion(key, this.#asked);
      if (!equalBytes(publicKey, version.publicKey))
        throw keyChanged("the vault now has other material:", version, other);
    });
  }

  /** Waits for the calls that run already, then ends the connections that were opened here. Idempotent. */
  async close(): Promise<void> {
    await this.#calls.close();
    await this.#vault.close();
  }

  async #pin(call: Call): Promise<PinnedKey> {
    if (this.#pinned) return this.#pinned;
    const version = usableVersion(await this.#getKey(call), this.#asked);
    const client = await this.#vault.client();
    // Of several first calls of a bare key, all take what the quickest found.
    this.#pinned ??= { version, cryptography: cryptographyClient(client, version) };
    return this.#pinned;
  }

  async #getKey(call: Call): Promise<KeyVaultKey> {
    const { name, version } = this.#asked;
    const client = await this.#vault.client();
    const { value } = await send("get", call, (sdk) =>
      client.getKey(name, version === undefined ? sdk : { ...sdk, version }),
    );
    return value;
  }
}

/** The answer's own `kid` counts: the SDK's `keyID` is the one that was asked for. */
function requireSigner(version: KeyVersion, { kid }: Answer<unknown>): void {
  const url = parseKeyUrl(kid);
  if (!url) throw invalidResponse("the answer does not say which key signed (kid)");
  if (sameKeyUrl(url, version.url)) return;
  throw keyChanged("nothing was returned, since the vault signed with", version, {
    keyId: formatKeyUrl(url),
    address: undefined,
  });
}
