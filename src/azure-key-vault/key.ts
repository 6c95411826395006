import type { CryptographyClient, KeyVaultKey } from "@azure/keyvault-keys";
import { assertArgument } from "ethers";
import { equalBytes } from "../core/bytes.ts";
import { invalidResponse, isSignerError, SignerError } from "../core/errors.ts";
import { type RawSignature, signatureFromCompact } from "../core/signature.ts";
import { bounded } from "../signer/bounded.ts";
import type { CallOptions, RemoteKey } from "../signer/remote-key.ts";
import { cryptographyClient, type OpenVault, openVault } from "./client.ts";
import { keyChanged } from "./key-changed.ts";
import { formatKeyUrl, parseKeyUrl, sameKeyUrl } from "./key-url.ts";
import { addressOf, type KeyVersion, usableVersion, versionUrl } from "./key-version.ts";
import { type AzureKeyVaultKeyOptions, type CheckedOptions, checkOptions } from "./options.ts";
import { type Answer, type Call, send } from "./send.ts";

interface PinnedKey {
  readonly version: KeyVersion;
  readonly cryptography: CryptographyClient;
}

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
  readonly #options: CheckedOptions;
  readonly #running = new Set<Promise<unknown>>();
  #opening: Promise<OpenVault> | undefined;
  #pinned: PinnedKey | undefined;
  #closed = false;

  /** Does no I/O. @throws ethers' INVALID_ARGUMENT for options that cannot be right. */
  constructor(options: AzureKeyVaultKeyOptions) {
    this.#options = checkOptions(options);
    this.id = formatKeyUrl(this.#options.key);
  }

  async getPublicKey(options: CallOptions = {}): Promise<Uint8Array> {
    return this.#run("getPublicKey", options, async (call) => {
      const { version } = await this.#pin(call);
      return version.publicKey.slice();
    });
  }

  async signDigest(digest: Uint8Array, options: CallOptions = {}): Promise<RawSignature> {
    assertArgument(digest.length === 32, "invalid digest length", "digest", digest);
    const bytes = digest.slice();
    return this.#run("signDigest", options, async (call) => {
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
  async verifyKey(options: CallOptions = {}): Promise<void> {
    return this.#run("verifyKey", options, async (call) => {
      if (!this.#pinned) return void (await this.#pin(call));
      const { version } = this.#pinned;
      const key = await this.#getKey(call);
      const url = versionUrl(key, this.#options.key);
      const other = { keyId: formatKeyUrl(url), address: addressOf(key) };
      if (!sameKeyUrl(url, version.url)) throw keyChanged("the key's current version is", version, other);
      const { publicKey } = usableVersion(key, this.#options.key);
      if (!equalBytes(publicKey, version.publicKey))
        throw keyChanged("the vault now has other material:", version, other);
    });
  }

  /** Waits for the calls that run already, then ends the connections that were opened here. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
    const [opened] = await Promise.allSettled([this.#opening]);
    if (opened.status === "fulfilled") opened.value?.close();
  }

  async #run<T>(operation: string, { signal }: CallOptions, task: (call: Call) => Promise<T>): Promise<T> {
    const { timeout, key } = this.#options;
    const context = { backend: this.backend, keyId: this.id, operation };
    if (this.#closed) throw new SignerError("SIGNER_CLOSED", "the key was closed; construct a new one", context);
    const endsAt = performance.now() + timeout;
    const error = () => {
      const message = `${key.vaultUrl} did not answer within ${timeout} ms; check that it can be reached, or raise timeout`;
      return new SignerError("BACKEND_TIMEOUT", message, context);
    };
    const running = bounded((inner) => task({ signal: inner, endsAt, vaultUrl: key.vaultUrl, context }), {
      signal,
      deadline: { ms: timeout, error },
    });
    this.#running.add(running);
    try {
      return await running;
    } catch (failure) {
      throw isSignerError(failure) ? failure.withContext(context) : failure;
    } finally {
      this.#running.delete(running);
    }
  }

  async #pin(call: Call): Promise<PinnedKey> {
    if (this.#pinned) return this.#pinned;
    const version = usableVersion(await this.#getKey(call), this.#options.key);
    const { client } = await this.#open();
    // Of several first calls of a bare key, all take what the quickest found.
    this.#pinned ??= { version, cryptography: cryptographyClient(client, version) };
    return this.#pinned;
  }

  async #getKey(call: Call): Promise<KeyVaultKey> {
    const { name, version } = this.#options.key;
    const { client } = await this.#open();
    const { value } = await send("get", call, (sdk) =>
      client.getKey(name, version === undefined ? sdk : { ...sdk, version }),
    );
    return value;
  }

  #open(): Promise<OpenVault> {
    this.#opening ??= openVault(this.#options).catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
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
