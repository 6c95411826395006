/**
 * The most that is read of one response, in bytes after decompression. The largest that are right are pages of listings: 1,000
 * keys of KMS, or 25 keys of Key Vault with 15 tags of 512 characters each, take some 200 kB.
 */
export const MAX_RESPONSE_BYTES = 2 ** 20;

/** Named by `name`, since it passes through vendors' SDKs, which do not know SignerError. */
export class ResponseTooLargeError extends Error {
  static readonly NAME = "ResponseTooLargeError";

  constructor() {
    super(`the response is longer than ${MAX_RESPONSE_BYTES} bytes`);
    this.name = ResponseTooLargeError.NAME;
  }
}

interface NodeStream extends AsyncIterable<Uint8Array> {
  destroy(): void;
}

/**
 * The whole body of a response, of Node's stream or a browser's. One that is longer is refused as soon as that is known, and its
 * connection ends: without this bound an endless body fills the memory before any deadline.
 *
 * @param announced the header Content-Length, if there is one: what it says is too long is not read.
 * @returns undefined for anything else, which is left as it is.
 * @throws ResponseTooLargeError; the stream's own error.
 */
export async function readBody(body: unknown, announced: string | undefined): Promise<Uint8Array | undefined> {
  if (body instanceof Uint8Array && body.length > MAX_RESPONSE_BYTES) throw new ResponseTooLargeError();
  if (isWebStream(body)) {
    const reader = body.getReader();
    // Not by iteration, which streams do not have in every browser.
    return join(
      announced,
      () => reader.read(),
      () => reader.cancel(),
    );
  }
  if (!isNodeStream(body)) return undefined;
  const chunks = body[Symbol.asyncIterator]();
  return join(
    announced,
    () => chunks.next(),
    async () => body.destroy(),
  );
}

async function join(
  announced: string | undefined,
  next: () => Promise<{ readonly done?: boolean | undefined; readonly value?: Uint8Array | undefined }>,
  cancel: () => Promise<unknown>,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    if (Number(announced ?? 0) > MAX_RESPONSE_BYTES) throw new ResponseTooLargeError();
    for (let chunk = await next(); !chunk.done && chunk.value; chunk = await next()) {
      length += chunk.value.length;
      if (length > MAX_RESPONSE_BYTES) throw new ResponseTooLargeError();
      chunks.push(chunk.value);
    }
  } catch (error) {
    // A stream that failed rejects here, too.
    cancel().catch(() => {});
    throw error;
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function isWebStream(body: unknown): body is ReadableStream<Uint8Array> {
  return typeof (body as { getReader?: unknown } | undefined | null)?.getReader === "function";
}

function isNodeStream(body: unknown): body is NodeStream {
  const { [Symbol.asyncIterator]: iterate, destroy } = (body ?? {}) as Partial<NodeStream>;
  return typeof iterate === "function" && typeof destroy === "function";
}
