import type {
  GetPublicKeyCommandInput,
  GetPublicKeyCommandOutput,
  KMSClient,
  KMSClientConfig,
  SignCommandInput,
  SignCommandOutput,
} from "@aws-sdk/client-kms";
import { SignerError } from "../core/errors.ts";
import { withDeadline } from "../signer/deadline.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { kmsError } from "./errors.ts";
import type { Asked } from "./failure.ts";
import { limitedClient } from "./limited-client.ts";

type Sdk = typeof import("@aws-sdk/client-kms");

interface Opened {
  readonly sdk: Sdk;
  /** Reads no more of an answer than KMS sends. */
  readonly client: Pick<KMSClient, "send">;
  destroy(): void;
}

/** Whose client it is. */
export interface ClientSource {
  /** The user's own; without one, one is made of `config`. */
  readonly client: KMSClient | undefined;
  readonly config: KMSClientConfig;
  /** What was closed, in the error of every later call. */
  readonly owner: "key" | "store";
}

/** One request through the SDK, which `signal` ends. */
export type KmsRequest<T> = (opened: Opened, signal: AbortSignal) => Promise<T>;

/**
 * The SDK's client, loaded and made at the first request, and the two requests that signing needs.
 *
 * Connections are kept alive and used again, and failed requests are repeated, as the SDK does by itself and as far as its
 * configuration says. Nothing is repeated here.
 */
export class KmsConnection {
  readonly #given: KMSClient | undefined;
  readonly #config: KMSClientConfig;
  readonly #owner: "key" | "store";
  readonly #lender: KmsConnection | undefined;
  readonly #flights = new Set<Promise<unknown>>();
  #opening: Promise<Opened> | undefined;
  #closed = false;

  /** @param source another connection, to share its client: this one ends with that one, but does not end it. */
  constructor(source: ClientSource | KmsConnection) {
    const shared = source instanceof KmsConnection;
    this.#lender = shared ? source : undefined;
    this.#given = shared ? undefined : source.client;
    this.#config = shared ? {} : source.config;
    this.#owner = shared ? "key" : source.owner;
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html */
  getPublicKey(input: GetPublicKeyCommandInput, options: CallOptions): Promise<GetPublicKeyCommandOutput> {
    return this.send({ operation: "GetPublicKey", keyId: input.KeyId }, options, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.GetPublicKeyCommand(input), { abortSignal }),
    );
  }

  /** https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html */
  sign(input: SignCommandInput, options: CallOptions): Promise<SignCommandOutput> {
    return this.send({ operation: "Sign", keyId: input.KeyId }, options, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.SignCommand(input), { abortSignal }),
    );
  }

  /** Any other request. Whatever fails is a SignerError. */
  async send<T>(asked: Asked, options: CallOptions, request: KmsRequest<T>): Promise<T> {
    this.requireOpen();
    const flight = this.#lender
      ? this.#lender.send(asked, options, request)
      : // Bounded here too: the SDK heeds the signal in a request, but not while it waits before it tries again.
        withDeadline((signal) => this.#perform(asked, signal, request), { signal: options.signal });
    this.#flights.add(flight);
    try {
      return await flight;
    } finally {
      this.#flights.delete(flight);
    }
  }

  /** @throws SignerError SIGNER_CLOSED after `close()`. */
  requireOpen(): void {
    this.#lender?.requireOpen();
    if (this.#closed) throw new SignerError("SIGNER_CLOSED", `the ${this.#owner} was closed; construct a new one`);
  }

  /** Waits for the requests in flight, then ends the connections of a client that was made here. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#flights);
    const opening = this.#opening;
    this.#opening = undefined;
    // What could not be opened needs no end.
    const opened = await opening?.catch(() => undefined);
    if (!this.#given) opened?.destroy();
  }

  async #perform<T>(asked: Asked, signal: AbortSignal, request: KmsRequest<T>): Promise<T> {
    const opened = await this.#open();
    try {
      return await request(opened, signal);
    } catch (error) {
      throw kmsError(error, asked);
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
    const client = this.#given ?? new sdk.KMSClient(this.#config);
    return { sdk, client: limitedClient(client), destroy: () => client.destroy() };
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
