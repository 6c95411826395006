import type * as Kms from "@aws-sdk/client-kms";
import type { Call } from "../backend/calls.ts";
import { readBody } from "../backend/response-body.ts";
import { SignerError } from "../core/errors.ts";
import { CredentialTrail } from "./credential-errors.ts";
import { kmsError, type Observed, RETRY_TOO_LATE, readResponse } from "./errors.ts";
import type { CheckedClientOptions } from "./options.ts";
import { redactingLogger } from "./redacting-logger.ts";

type Sdk = typeof Kms;

/** The requests that are sent: input and output of each. https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html */
export interface Requests {
  CreateAlias: [Kms.CreateAliasCommandInput, Kms.CreateAliasCommandOutput];
  CreateKey: [Kms.CreateKeyCommandInput, Kms.CreateKeyCommandOutput];
  DescribeKey: [Kms.DescribeKeyCommandInput, Kms.DescribeKeyCommandOutput];
  GetParametersForImport: [Kms.GetParametersForImportCommandInput, Kms.GetParametersForImportCommandOutput];
  GetPublicKey: [Kms.GetPublicKeyCommandInput, Kms.GetPublicKeyCommandOutput];
  ImportKeyMaterial: [Kms.ImportKeyMaterialCommandInput, Kms.ImportKeyMaterialCommandOutput];
  ListAliases: [Kms.ListAliasesCommandInput, Kms.ListAliasesCommandOutput];
  ListKeys: [Kms.ListKeysCommandInput, Kms.ListKeysCommandOutput];
  ListResourceTags: [Kms.ListResourceTagsCommandInput, Kms.ListResourceTagsCommandOutput];
  Sign: [Kms.SignCommandInput, Kms.SignCommandOutput];
}

// A retry after a request timeout would make a second key, whose first nothing knows: these wait for as long as the call does.
const NOT_REPEATABLE: ReadonlySet<keyof Requests> = new Set(["CreateKey", "ImportKeyMaterial"]);

type Command = Pick<Kms.SignCommand, "middlewareStack">;
type Send = (command: Command, options: object) => Promise<unknown>;

/**
 * The SDK's client, loaded and made at the first request. Failed requests are retried as the SDK does and as far as its configuration
 * says; nothing is retried here.
 */
export class KmsClient {
  readonly #options: CheckedClientOptions;
  readonly #trail = new CredentialTrail();
  #opening: Promise<{ readonly sdk: Sdk; readonly client: Kms.KMSClient }> | undefined;

  constructor(options: CheckedClientOptions) {
    this.#options = options;
  }

  /** One request, for the key that the input names. @throws SignerError, whatever the SDK throws. */
  async send<Name extends keyof Requests>(
    name: Name,
    input: Requests[Name][0],
    call: Call,
  ): Promise<Requests[Name][1]> {
    const observed: Observed = { sent: false, response: undefined };
    const { KeyId, TargetKeyId } = input as { KeyId?: string; TargetKeyId?: string };
    const keyId = KeyId ?? TargetKeyId;
    this.#opening ??= this.#open();
    call.nameWaiting(() => (observed.sent ? undefined : this.#trail.current));
    try {
      const { sdk, client } = await this.#opening;
      const command = new (sdk[`${name}Command`] as new (input: object) => Command)(input);
      observe(command, observed, call);
      const requestTimeout = NOT_REPEATABLE.has(name) ? { requestTimeout: this.#options.timeout } : {};
      const send = client.send.bind(client) as unknown as Send;
      return (await send(command, { abortSignal: call.signal, ...requestTimeout })) as Requests[Name][1];
    } catch (error) {
      throw kmsError(error, { ...call.context, request: name, resource: keyId ?? "*" }, observed, this.#trail);
    }
  }

  /** What the SDK found before any request: the Region, the credentials. @throws SignerError, as `send` does. */
  async inspect<T>(request: string, call: Call, look: (client: Kms.KMSClient) => Promise<T>): Promise<T> {
    this.#opening ??= this.#open();
    try {
      const { client } = await this.#opening;
      return await look(client);
    } catch (error) {
      throw kmsError(
        error,
        { ...call.context, request, resource: "*" },
        { sent: false, response: undefined },
        this.#trail,
      );
    }
  }

  /** Ends the connections of a client that was made here. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    if (this.#options.client) return;
    const [opened] = await Promise.allSettled([opening]);
    if (opened.status === "fulfilled") opened.value?.client.destroy();
  }

  async #open() {
    try {
      const sdk = await importSdk();
      return { sdk, client: this.#options.client ?? new sdk.KMSClient(this.#config()) };
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  #config(): Kms.KMSClientConfig {
    const { config, timeout } = this.#options;
    const { logger, requestHandler } = config;
    // A handler of the caller's has its own limits; an object is options for the SDK's own.
    const isHandler = typeof (requestHandler as { handle?: unknown } | undefined)?.handle === "function";
    // It begins before a connection is there: one limit for both, since the SDK counts the wait for a free one of its 50, too.
    const limits = { requestTimeout: Math.ceil(timeout / 3), throwOnRequestTimeout: true };
    return {
      ...config,
      requestHandler: isHandler ? requestHandler : { ...limits, ...(requestHandler as object | undefined) },
      logger: this.#trail.logger(logger && redactingLogger(logger)),
    } as Kms.KMSClientConfig;
  }
}

interface HttpResponse {
  body?: unknown;
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Notes how far the request came, and reads no more of a response than one of KMS can have. It is the command's own middleware, so that it
 * holds for a client of the caller's too; the body that another middleware or `requestHandler` has read already is not limited.
 */
function observe({ middlewareStack }: Command, observed: Observed, call: Call): void {
  middlewareStack.add(
    (next) => async (args) => {
      observed.sent = true;
      observed.response = undefined;
      const result = await next(args).catch((error: unknown) => {
        call.onAttempt?.({ isLost: true });
        throw error;
      });
      const response = result.response as HttpResponse;
      call.onAttempt?.({ requestId: response.headers["x-amzn-requestid"], isLost: false });
      response.body = (await readBody(response.body, response.headers["content-length"])) ?? response.body;
      observed.response = readResponse(response);
      // The SDK would wait for it, and so until the deadline.
      const { status, retryAfter = 0 } = observed.response;
      call.isThrottled = status === 429;
      if ((status === 429 || status >= 500) && performance.now() + retryAfter * 1_000 > call.endsAt)
        throw new RetryTooLate();
      return result;
    },
    // The nearest to the network: what the SDK reads it reads after this.
    { step: "deserialize", priority: "low", name: "ethersHsmObserver" },
  );
}

class RetryTooLate extends Error {
  override readonly name = RETRY_TOO_LATE;
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
