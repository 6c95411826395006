import type {
  GetPublicKeyCommandInput,
  GetPublicKeyCommandOutput,
  KMSClient,
  KMSClientConfig,
  SignCommandInput,
  SignCommandOutput,
} from "@aws-sdk/client-kms";
import { SignerError } from "../core/errors.ts";
import { bounded } from "../signer/bounded.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { kmsError } from "./errors.ts";

type Sdk = typeof import("@aws-sdk/client-kms");

interface Opened {
  readonly sdk: Sdk;
  readonly client: KMSClient;
}

/**
 * The SDK's client, loaded and made at the first request, and the two requests that signing needs.
 *
 * Connections are kept alive and used again, and failed requests are repeated, as the SDK does by itself and as far as its
 * configuration says. Nothing is repeated here.
 */
export class KmsConnection {
  readonly #given: KMSClient | undefined;
  readonly #config: KMSClientConfig;
  readonly #flights = new Set<Promise<unknown>>();
  #opening: Promise<Opened> | undefined;
  #closed = false;

  /** @param client the user's own; without one, one is made of `config`. */
  constructor(client: KMSClient | undefined, config: KMSClientConfig) {
    this.#given = client;
    this.#config = config;
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html */
  getPublicKey(input: GetPublicKeyCommandInput, options: CallOptions): Promise<GetPublicKeyCommandOutput> {
    return this.#track("GetPublicKey", input.KeyId, options, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.GetPublicKeyCommand(input), { abortSignal }),
    );
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html */
  sign(input: SignCommandInput, options: CallOptions): Promise<SignCommandOutput> {
    return this.#track("Sign", input.KeyId, options, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.SignCommand(input), { abortSignal }),
    );
  }

  /** @throws SignerError SIGNER_CLOSED after `close()`. */
  requireOpen(): void {
    if (this.#closed) throw new SignerError("SIGNER_CLOSED", "the key was closed; construct a new one");
  }

  /** Waits for the requests in flight, then ends the connections of a client that was made here. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#flights);
    const opening = this.#opening;
    this.#opening = undefined;
    // What could not be opened needs no end.
    const opened = await opening?.catch(() => undefined);
    if (!this.#given) opened?.client.destroy();
  }

  async #track<T>(
    operation: string,
    keyId: string | undefined,
    options: CallOptions,
    request: (opened: Opened, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    this.requireOpen();
    // Bounded here too: the SDK heeds the signal in a request, but not while it waits before it tries again.
    const flight = bounded(
      async (signal) => {
        const opened = await this.#open();
        try {
          return await request(opened, signal);
        } catch (error) {
          throw kmsError(error, { operation, keyId });
        }
      },
      { signal: options.signal },
    );
    this.#flights.add(flight);
    try {
      return await flight;
    } finally {
      this.#flights.delete(flight);
    }
  }

  async #open(): Promise<Opened> {
    this.#opening ??= this.#load();
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async #load(): Promise<Opened> {
    const sdk = await importSdk();
    return { sdk, client: this.#given ?? new sdk.KMSClient(this.#config) };
  }
}

async function importSdk(): Promise<Sdk> {
  try {
    return await import("@aws-sdk/client-kms");
  } catch (cause) {
    throw new SignerError(
      "DEPENDENCY_MISSING",
      "the package @aws-sdk/client-kms cannot be loaded: run npm install @aws-sdk/client-kms",
      { operation: "load", cause },
    );
  }
}
