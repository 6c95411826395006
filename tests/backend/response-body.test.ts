import { Readable } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import { MAX_RESPONSE_BYTES, ResponseTooLargeError, readBody } from "../../src/backend/response-body.ts";

const part = new Uint8Array(2 ** 16).fill(7);
const FIT = MAX_RESPONSE_BYTES / part.length;

/** A stream of so many parts, and how many were taken and whether it was given up. */
interface Source {
  readonly body: unknown;
  taken(): number;
  ended(): boolean;
}

const kinds: [string, (parts: number) => Source][] = [
  [
    "Node's stream",
    (parts) => {
      let taken = 0;
      const body = new Readable({
        highWaterMark: 0,
        read() {
          this.push(taken < parts ? part : null);
          taken++;
        },
      });
      return { body, taken: () => taken, ended: () => body.destroyed };
    },
  ],
  [
    "a browser's stream",
    (parts) => {
      let taken = 0;
      let cancelled = false;
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            if (taken++ < parts) controller.enqueue(part);
            else controller.close();
          },
          cancel() {
            cancelled = true;
          },
        },
        { highWaterMark: 0 },
      );
      // Safari's cannot be iterated.
      Object.defineProperty(body, Symbol.asyncIterator, { value: undefined });
      return { body, taken: () => taken, ended: () => cancelled };
    },
  ],
];

describe.each(kinds)("%s", (_name, open) => {
  test("is read to its end where it fits", async () => {
    const { body } = open(FIT);
    const bytes = await readBody(body, undefined);
    expect(bytes).toHaveLength(MAX_RESPONSE_BYTES);
    expect(bytes?.every((byte) => byte === 7)).toBe(true);
    expect(await readBody(open(0).body, undefined)).toHaveLength(0);
  });

  test("is given up as soon as it is too long", async () => {
    const source = open(Number.POSITIVE_INFINITY);
    await expect(readBody(source.body, undefined)).rejects.toBeInstanceOf(ResponseTooLargeError);
    expect(source.taken()).toBe(FIT + 1);
    expect(source.ended()).toBe(true);
  });

  test("is not begun if it is announced as too long", async () => {
    const source = open(1);
    await expect(readBody(source.body, String(MAX_RESPONSE_BYTES + 1))).rejects.toThrow("1048576 bytes");
    expect(source.taken()).toBe(0);
    expect(source.ended()).toBe(true);
  });
});

test("a stream that fails fails as it does", async () => {
  const error = new Error("connection lost");
  const node = new Readable({ read: (): void => void node.destroy(error) });
  await expect(readBody(node, undefined)).rejects.toBe(error);
  const web = new ReadableStream({ pull: () => Promise.reject(error) });
  await expect(readBody(web, undefined)).rejects.toBe(error);
});

test("bytes have their length already", async () => {
  expect(await readBody(part, undefined)).toBeUndefined();
  await expect(readBody(new Uint8Array(MAX_RESPONSE_BYTES + 1), undefined)).rejects.toBeInstanceOf(
    ResponseTooLargeError,
  );
});

test.each([undefined, null, "text", 5, {}])("%p is none of these", async (body) => {
  expect(await readBody(body, undefined)).toBeUndefined();
});
