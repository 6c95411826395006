import { type RequestContext, vendorError } from "./errors.ts";
import type { GcpKmsVendorClient } from "./options.ts";
import type { Message } from "./response.ts";
import type { Rpc } from "./rest.ts";

type Method = (request: object, options: object) => Promise<readonly unknown[]>;

/** A `KeyManagementServiceClient` of the caller's own: one request, without the client's retries, which last ten minutes. */
export class VendorTransport {
  readonly #client: GcpKmsVendorClient;
  #initialized: Promise<unknown> | undefined;

  constructor(client: GcpKmsVendorClient) {
    this.#client = client;
  }

  /** The client cannot be told to stop: what it returns after the signal is dropped. @throws SignerError. */
  async send(rpc: Rpc, request: Message, context: RequestContext, ms: number): Promise<Message> {
    try {
      // Without it, a client without credentials ends the process by a second, unhandled rejection.
      this.#initialized ??= this.#client.initialize();
      await this.#initialized;
      const methods = this.#client as unknown as Readonly<Record<string, Method | undefined>>;
      const [response, , raw] = (await methods[rpc]?.call(this.#client, withWrappers(request), {
        ...{ timeout: ms, retry: null, autoPaginate: false },
      })) ?? [undefined];
      // A listing's items come apart from its token.
      return (Array.isArray(response) ? raw : response) as Message;
    } catch (error) {
      throw vendorError(error, context);
    }
  }
}

/** Checksums and durations as protocol buffers have them, not as JSON does. */
function withWrappers(message: Message): Message {
  const entries = Object.entries(message).map(([name, value]): [string, unknown] => {
    if (name.endsWith("Crc32c")) return [name, { value }];
    if (name.endsWith("Duration")) return [name, { seconds: Number.parseInt(String(value), 10) }];
    const isMessage = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
    return [name, isMessage ? withWrappers(value as Message) : value];
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
