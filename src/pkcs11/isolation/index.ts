// The child: the process of an isolated PKCS#11 library. It makes the calls that its parent asks for, and ends with it.

import { writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { PKCS11 } from "pkcs11js";
import { isSignerError } from "../../core/errors.ts";
import { returnValueOf } from "../errors.ts";
import { loadLibrary } from "../library.ts";
import { LocalCryptoki } from "../local-cryptoki.ts";
import { FrameReader, frame } from "./frames.ts";
import { decode, encode, type LibraryError, LOAD, type Message, type Request } from "./messages.ts";

// Not 0 to 2, which a library may read and write.
const RESPONSES = 4;
// On a thread of its own, since the main thread may be stuck in the library. Requests end when the parent does, however it ends.
const READ_REQUESTS = `
  const { readSync } = require("node:fs");
  const { parentPort } = require("node:worker_threads");
  const buffer = new Uint8Array(65536);
  for (let length; (length = readSync(3, buffer)) > 0; ) parentPort.postMessage(buffer.slice(0, length));
  process.kill(process.pid, "SIGKILL");`;

const [, , path = "", hangTimeout] = process.argv;
const cryptoki = load(path);
const requests: Request[] = [];
let isTaking = false;
let freeThreads = Number(process.env["UV_THREADPOOL_SIZE"]);
const waiting: (() => void)[] = [];

async function load(path: string): Promise<LocalCryptoki> {
  return new LocalCryptoki(announcing(await loadLibrary(path)));
}

// One request in each turn of the event loop: what other threads have done is answered before this one enters the library again.
function take(): void {
  const request = requests.shift();
  isTaking = request !== undefined;
  if (!request) return;
  void answer(request);
  setImmediate(take);
}

async function answer([id, method, args]: Request): Promise<void> {
  try {
    const library = await cryptoki;
    const call = library[method] as (...args: readonly unknown[]) => Promise<unknown>;
    send({ id, result: encode(await call.apply(library, args.map(decode))) });
  } catch (error) {
    send({ id, error: describe(error) });
  }
}

/** The library, which tells the parent of each function that it begins. */
function announcing(library: PKCS11): PKCS11 {
  return new Proxy(library, {
    get: (_library, property: string) => {
      const method: (...args: unknown[]) => unknown = Reflect.get(library, property);
      const name = property.replace(/Async$/, "");
      const begin = (...args: unknown[]) => {
        send({ begin: name });
        return method.apply(library, args);
      };
      return name === property ? begin : (...args: unknown[]) => onThread(name, () => begin(...args));
    },
  });
}

/** Begins once one of libuv's threads is free: what waits for a thread has not begun. */
async function onThread(name: string, begin: () => unknown): Promise<unknown> {
  if (freeThreads === 0) await new Promise<void>((resolve) => waiting.push(resolve));
  else freeThreads -= 1;
  let isDone = false;
  // After an immediate: it may have returned while the main thread was stuck.
  const timer = setTimeout(() => setImmediate(() => isDone || send({ hung: name })), Number(hangTimeout));
  try {
    return await begin();
  } finally {
    isDone = true;
    clearTimeout(timer);
    const next = waiting.shift();
    if (next) next();
    else freeThreads += 1;
  }
}

function describe(error: unknown): LibraryError {
  if (isSignerError(error, "DEPENDENCY_MISSING")) {
    return { operation: LOAD, message: error.message, cause: String(error.cause) };
  }
  const [operation, cause] = isSignerError(error) ? [error.operation, error.cause ?? error] : ["", error];
  return { operation: `${operation}`, message: (cause as Error).message, code: returnValueOf(cause) };
}

// Synchronously, since the library may hold the main thread from the next line on.
function send(message: Message): void {
  const bytes = frame(message);
  for (let sent = 0; sent < bytes.length; ) sent += writeSync(RESPONSES, bytes, sent);
}

// Otherwise an exit waits for the thread that reads.
process.once("exit", () => process.kill(process.pid, "SIGKILL"));
// Each request that waits for it is answered with the failure.
cryptoki.catch(() => undefined);
const reader = new FrameReader();
// Without NODE_OPTIONS, which may load other code.
const worker = new Worker(READ_REQUESTS, { eval: true, env: {}, execArgv: [] });
worker.on("message", (chunk: Uint8Array) => {
  for (const request of reader.read(chunk)) requests.push(request as Request);
  if (!isTaking) take();
});
