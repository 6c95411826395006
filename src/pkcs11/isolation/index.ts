// The child: the process of an isolated PKCS#11 library. It makes the calls that its parent asks for, and ends with it.

import { createReadStream, writeSync } from "node:fs";
import { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import type { PKCS11 } from "pkcs11js";
import { isSignerError } from "../../core/errors.ts";
import { returnValueOf } from "../errors.ts";
import { loadLibrary } from "../library.ts";
import { LocalCryptoki } from "../local-cryptoki.ts";
import { FrameReader, frame } from "./frames.ts";
import { decode, encode, type LibraryError, LOAD, type Message, type Request } from "./messages.ts";

// Not 0 to 2, which a library may read and write.
const REQUESTS = 3;
const RESPONSES = 4;

// Since when the main thread is in a function of the library (process.hrtime), 0 while it is not, and how many it has begun.
const progress = new BigInt64Array(new SharedArrayBuffer(16));
// A thread of its own, since the library may hold the main thread indefinitely. It tells the parent of that progress, when asked: the
// byte that asked, the milliseconds, and the count. Its pipe ends when the parent does, however that ends.
const WATCHER = `
  const { readSync, writeSync } = require("node:fs");
  const { workerData: progress } = require("node:worker_threads");
  const report = Buffer.alloc(9);
  while (readSync(5, report, 0, 1) > 0) {
    const [since, count] = [Atomics.load(progress, 0), Atomics.load(progress, 1)];
    const ms = since === 0n ? 0n : (process.hrtime.bigint() - since) / 1000000n;
    report.writeUInt32BE(Number(BigInt.asUintN(32, ms)), 1);
    report.writeUInt32BE(Number(BigInt.asUintN(32, count)), 5);
    writeSync(5, report);
  }
  process.kill(process.pid, "SIGKILL");`;

// First of all, and without NODE_OPTIONS, which may load other code.
new Worker(WATCHER, { eval: true, env: {}, execArgv: [], workerData: progress });
// Otherwise an exit waits for the watcher.
process.once("exit", () => process.kill(process.pid, "SIGKILL"));

const [, , path = "", hangTimeout] = process.argv;
const cryptoki = load(path);
const requests: Request[] = [];
let isTaking = false;
let freeThreads = Number(process.env["UV_THREADPOOL_SIZE"]);
const waiting: (() => void)[] = [];

async function load(path: string): Promise<LocalCryptoki> {
  begin();
  const library = await loadLibrary(path);
  end();
  return new LocalCryptoki(watched(library));
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

function begin(): void {
  Atomics.store(progress, 0, process.hrtime.bigint());
  Atomics.add(progress, 1, 1n);
}

function end(): void {
  Atomics.store(progress, 0, 0n);
}

/** The library, each function of which is seen to begin and to end. */
function watched(library: PKCS11): PKCS11 {
  return new Proxy(library, {
    get: (_library, property: string) => {
      const method: (...args: unknown[]) => unknown = Reflect.get(library, property);
      const call = (...args: unknown[]) => {
        begin();
        try {
          return method.apply(library, args);
        } finally {
          end();
        }
      };
      const name = property.replace(/Async$/, "");
      return name === property ? call : (...args: unknown[]) => onThread(name, () => call(...args));
    },
  });
}

/** Begins once one of libuv's threads is free: what waits for a thread has not begun. */
async function onThread(name: string, call: () => unknown): Promise<unknown> {
  if (freeThreads === 0) await new Promise<void>((resolve) => waiting.push(resolve));
  else freeThreads -= 1;
  let isDone = false;
  // After an immediate: it may have returned while the main thread was stuck.
  const timer = setTimeout(() => setImmediate(() => isDone || send({ hung: name })), Number(hangTimeout));
  try {
    return await call();
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

function send(message: Message): void {
  const bytes = frame(message);
  for (let sent = 0; sent < bytes.length; ) sent += writeSync(RESPONSES, bytes, sent);
}

// Each request that waits for it is answered with the failure.
cryptoki.catch(end);
const reader = new FrameReader();
// A socket of Bun takes no file descriptor; a stream of Node's files needs another thread for each read.
const pipe = process.versions["bun"] ? createReadStream("", { fd: REQUESTS }) : new Socket({ fd: REQUESTS });
pipe.on("data", (chunk: Buffer) => {
  for (const request of reader.read(chunk)) requests.push(request as Request);
  if (!isTaking) take();
});
