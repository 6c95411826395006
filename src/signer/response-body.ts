/**
 * The most that is read of one response, in bytes after decompression. The largest that are right are pages of listings: 1000
 * keys of KMS, or 25 keys of Key Vault with 15 tags of 512 characters each, take some 200 kB.
 */
export const MAX_RESPONSE_BYTES = 2 ** 20;

/** Named by `name`, since it passes through vendors' SDKs, which know nothing of SignerErrors. */
export class ResponseTooLargeError extends Error {
  static readonly NAME = "ResponseTooLargeError";

  constructor() {
    super(`the answer is longer than ${MAX_RESPONSE_BYTES} bytes`);
    this.name = ResponseTooLargeError.NAME;
  }
}

interface NodeStream extends AsyncIterable<Uint8Array> {
  destroy(): void;
}

/**
 * The whole body of a response: Node's stream, a browser's stream or blob, or bytes.
 *
 * What is too large is refused as soon as that is known, by the announced length before anything is read, and its connection
 * ends, since it cannot be used again.
 *
 * @param announced the header Content-Length, if there is one.
 * @returns undefined for a body that is none of these; it is left as it is.
 * @throws ResponseTooLargeError; whatever the stream fails with.
 */
export async function readBody(body: unknown, announced: string | undefined): Promise<Uint8Array | undefined> {
  if (isWebStream(body)) return readWebStream(body, announced);
  if (isNodeStream(body)) return readNodeStream(body, announced);
  const bytes = isBlob(body) && body.size <= MAX_RESPONSE_BYTES ? new Uint8Array(await body.arrayBuffer()) : body;
  if (isBlob(bytes) || (bytes instanceof Uint8Array && bytes.length > MAX_RESPONSE_BYTES)) {
    throw new ResponseTooLargeError();
  }
  return bytes instanceof Uint8Array ? bytes : undefined;
}

async function readNodeStream(stream: NodeStream, announced: string | undefined): Promise<Uint8Array> {
  const chunks = new Chunks();
  try {
    chunks.announce(announced);
    for await (const chunk of stream) chunks.push(chunk);
    return chunks.joined();
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

async function readWebStream(stream: ReadableStream<Uint8Array>, announced: string | undefined): Promise<Uint8Array> {
  const chunks = new Chunks();
  const reader = stream.getReader();
  try {
    chunks.announce(announced);
    // Not by iteration, which streams do not have in every browser.
    for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
    return chunks.joined();
  } catch (error) {
    // Not awaited: a stream that failed rejects here too.
    reader.cancel().catch(() => {});
    throw error;
  }
}

class Chunks {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  announce(length: string | undefined): void {
    if (Number(length ?? 0) > MAX_RESPONSE_BYTES) throw new ResponseTooLargeError();
  }

  push(chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (this.#length > MAX_RESPONSE_BYTES) throw new ResponseTooLargeError();
    this.#chunks.push(chunk);
  }

  joined(): Uint8Array {
    const bytes = new Uint8Array(this.#length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return bytes;
  }
}

function isWebStream(body: unknown): body is ReadableStream<Uint8Array> {
  return typeof (body as { getReader?: unknown } | undefined | null)?.getReader === "function";
}

function isNodeStream(body: unknown): body is NodeStream {
  const { [Symbol.asyncIterator]: iterate, destroy } = (body ?? {}) as Partial<NodeStream>;
  return typeof iterate === "function" && typeof destroy === "function";
}

function isBlob(body: unknown): body is Blob {
  return typeof Blob === "function" && body instanceof Blob;
}
