// What crosses the pipes between the parent and the child: a length of 4 bytes, big-endian, and as many bytes of JSON.

import type { Message, Request } from "./messages.ts";

const HEADER = 4;
// Enough for the handles of some 200,000 objects in one response.
const LARGEST = 4 * 1024 * 1024;

export function frame(message: Request | Message): Buffer {
  const json = JSON.stringify(message);
  const length = Buffer.byteLength(json);
  if (length > LARGEST) throw new RangeError(`${length} bytes are more than a frame holds`);
  const bytes = Buffer.allocUnsafe(HEADER + length);
  bytes.writeUInt32BE(length);
  bytes.write(json, HEADER);
  return bytes;
}

/** Puts messages together from what arrives in pieces. It holds no more than one frame. */
export class FrameReader {
  readonly #header = Buffer.alloc(HEADER);
  #body: Buffer | undefined;
  #filled = 0;

  /** Whether a frame has begun and not ended yet. */
  get isWithinFrame(): boolean {
    return this.#body !== undefined || this.#filled > 0;
  }

  /** @throws if a frame is empty or too long, as soon as its length is known; if it is not JSON. */
  *read(chunk: Uint8Array): Generator<unknown, void, void> {
    for (let offset = 0; offset < chunk.length; ) {
      const target = this.#body ?? this.#header;
      const part = chunk.subarray(offset, offset + target.length - this.#filled);
      target.set(part, this.#filled);
      offset += part.length;
      this.#filled += part.length;
      if (this.#filled < target.length) return;
      this.#filled = 0;
      if (this.#body) {
        this.#body = undefined;
        yield parse(target.toString());
      } else {
        const length = target.readUInt32BE();
        if (length === 0 || length > LARGEST) throw new RangeError(`a frame of ${length} bytes`);
        this.#body = Buffer.allocUnsafe(length);
      }
    }
  }
}

// JSON.parse's own errors show what they read.
function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new TypeError("a frame that is not JSON");
  }
}
