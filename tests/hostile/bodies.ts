import type { ServerResponse } from "node:http";
import { setInterval } from "node:timers";
import type { SignerErrorCode } from "../../src/core/errors.ts";
import type { Stream } from "../servers/support/loopback-server.ts";

/** An answer of HTTP that is none, and what a signer must make of it. */
export interface HostileBody {
  readonly name: string;
  readonly code: SignerErrorCode;
  readonly stream: Stream;
}

const JSON_TYPES = { "content-type": "application/x-amz-json-1.1" };
const GIGABYTE = 2 ** 30;

interface Watch {
  readonly stream: Stream;
  readonly begun: () => boolean;
  readonly ended: () => boolean;
}

/** The same answer, and whether it has begun and its connection has ended. */
export function watched(stream: Stream): Watch {
  let [begun, ended] = [false, false];
  return {
    stream(response) {
      begun = true;
      response.socket?.on("close", () => {
        ended = true;
      });
      stream(response);
    },
    begun: () => begun,
    ended: () => ended,
  };
}

/** `step` again and again, until the other side has had enough. */
function untilClosed(response: ServerResponse, ms: number, step: () => void): void {
  const timer = setInterval(step, ms);
  response.on("close", () => clearInterval(timer));
}

/** As much as the other side takes, as fast as it does. `sent` says how much that was, in bytes. */
export function flood(status: number, sent: (bytes: number) => void): Stream {
  const part = "A".repeat(2 ** 16);
  return (response) => {
    const { socket } = response;
    response.on("close", () => sent(socket?.bytesWritten ?? 0));
    response.writeHead(status, JSON_TYPES).write('{"Signature":"');
    const more = () => {
      while (!response.destroyed && response.write(part));
    };
    response.on("drain", more);
    more();
  };
}

/** Bodies that are longer than any answer: the caller is told at once, by what is announced or as soon as they are it. */
export const hugeBodies: readonly HostileBody[] = [200, 400, 500].flatMap((status) => [
  {
    name: `1 GB announced, of which one byte comes, with status ${status}`,
    code: "BACKEND_RESPONSE_INVALID",
    stream: (response) => response.writeHead(status, { ...JSON_TYPES, "content-length": GIGABYTE }).write("{"),
  },
  {
    name: `a body that never ends, with status ${status}`,
    code: "BACKEND_RESPONSE_INVALID",
    stream: flood(status, () => {}),
  },
]);

/** Bodies that never come to their end: the caller must not wait longer than `timeout`. */
export const endlessBodies: readonly HostileBody[] = [
  {
    name: "a slow drip",
    code: "BACKEND_TIMEOUT",
    stream(response) {
      response.writeHead(200, { ...JSON_TYPES, "content-length": 1_000_000 });
      untilClosed(response, 10, () => response.write(" "));
    },
  },
  {
    name: "headers that never end",
    code: "BACKEND_TIMEOUT",
    stream({ socket }) {
      socket?.write("HTTP/1.1 200 OK\r\n");
      const timer = setInterval(() => socket?.write("x: y\r\n"), 50);
      socket?.on("close", () => clearInterval(timer));
    },
  },
];

/** Bodies that break off. */
export const brokenBodies: readonly HostileBody[] = [
  {
    name: "a truncated body",
    code: "BACKEND_UNAVAILABLE",
    stream(response) {
      response.writeHead(200, { ...JSON_TYPES, "content-length": 100 }).write('{"Signature":', () => {
        response.socket?.end();
      });
    },
  },
  {
    name: "a chunked body without its last chunk",
    code: "BACKEND_UNAVAILABLE",
    stream(response) {
      response.writeHead(200, JSON_TYPES).write('{"Signature":', () => response.socket?.end());
    },
  },
  {
    name: "another protocol",
    code: "BACKEND_UNAVAILABLE",
    stream: ({ socket }) => socket?.end("220 mail.example ESMTP\r\n"),
  },
  {
    name: "a length that is none",
    code: "BACKEND_UNAVAILABLE",
    stream: ({ socket }) => socket?.end("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}"),
  },
  {
    name: "headers of 100 kB",
    code: "BACKEND_UNAVAILABLE",
    stream: ({ socket }) => socket?.end(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}\r\n\r\n{}`),
  },
];

/** Complete bodies with status 200 that are no answer. */
export const wrongBodies: readonly (readonly [string, string])[] = [
  ["no byte", ""],
  ["blanks", "  \r\n"],
  ["a bracket", "{"],
  ["a page", "<html>busy</html>"],
  ["an array", "[]"],
  ["an array in an array, 100,000 times", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
  ["text", '"a signature"'],
  ["a number", "5"],
  ["true", "true"],
  ["null", "null"],
  ["an empty object", "{}"],
  ["JSON twice", "{}{}"],
  ["JSON with a comma too many", '{"Signature":"MAYCAQECAQE=",}'],
  ["bytes that are no UTF-8", "\u{fffd}\u{0}\u{1}"],
  ["a byte order mark alone", "\u{feff}"],
  ["1 MB of zeros", "0".repeat(1_000_000)],
];
