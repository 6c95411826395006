import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { SignerError } from "../../core/errors.ts";
import { CKR } from "../errors.ts";
import { FrameReader, frame } from "./frames.ts";
import { encode, type IsolatedMethod, type Message, RESULTS, readMessage, toSignerError } from "./messages.ts";

// Of libuv in the child: enough for the sessions of several tokens, and for some that hang.
const THREADS = "32";
// How long a busy machine may take until the child has loaded the library, and until it begins a call later: neither says
// anything of the library.
const START_MS = 30_000;
const BEGIN_MS = 5_000;
// No call of the library begins so many functions.
const MOST_BEGUN = 100_000;

interface Call {
  readonly method: IsolatedMethod;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: SignerError) => void;
}

/**
 * The parent's view of one child, the process that an isolated library runs in.
 *
 * They speak over two pipes: the child opens no port, and its arguments and environment hold no PIN. It ends with the parent.
 * A message that does not belong there ends it, and so does a function that has not returned `hangTimeout` milliseconds after
 * it began.
 */
export class Child {
  /** Settles once the process has ended, and never rejects. */
  readonly ended: Promise<void>;
  readonly #hangTimeout: number;
  readonly #process: ChildProcess;
  readonly #requests: Socket | undefined;
  readonly #responses: Socket | undefined;
  readonly #reader = new FrameReader();
  readonly #calls = new Map<number, Call>();
  #count = 0;
  /** How many functions it has begun since its last response. */
  #begun = 0;
  /** What it did last, and how long it may be silent after that. */
  #latest: string;
  #patience: number;
  #isSilent = false;
  #timer: NodeJS.Timeout | undefined;
  /** Why it runs no longer. */
  #loss: SignerError | undefined;

  constructor(path: string, hangTimeout: number) {
    this.#hangTimeout = hangTimeout;
    this.#latest = "its start";
    this.#patience = Math.max(hangTimeout, START_MS);
    this.#process = spawn(process.execPath, [childFile(), path, `${hangTimeout}`], {
      env: { ...process.env, NODE_OPTIONS: withoutInspector(), UV_THREADPOOL_SIZE: THREADS },
      // Apart from the pipes to which a library may write.
      stdio: ["ignore", "ignore", "inherit", "pipe", "pipe"],
      // A terminal and a supervisor signal the whole process group: the parent decides when the child ends.
      detached: true,
    });
    // Without a free file descriptor there are none.
    const [, , , requests, responses] = (this.#process.stdio ?? []) as (Socket | undefined)[];
    this.#requests = requests;
    this.#responses = responses;
    this.ended = new Promise((resolve) => {
      this.#process.once("exit", (code, signal) => {
        this.#lose(`ended with ${signal ?? `exit code ${code}`}`);
        resolve();
      });
      this.#process.on("error", ({ message }) => {
        this.#lose(`could not be started: ${message}`);
        if (this.#process.pid === undefined) resolve();
      });
    });
    const kill = () => this.#process.kill("SIGKILL");
    for (const pipe of [requests, responses]) pipe?.on("error", kill).on("end", kill);
    requests?.on("data", kill);
    responses?.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#watch();
  }

  get isRunning(): boolean {
    return this.#loss === undefined;
  }

  /** @throws SignerError: the library's, or that the child has ended. */
  ask(method: IsolatedMethod, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#loss) throw this.#loss;
      this.#count += 1;
      this.#requests?.write(frame([this.#count, method, args.map(encode)]));
      this.#calls.set(this.#count, { method, resolve, reject });
      if (this.#calls.size === 1) this.#watch();
    });
  }

  /** Kills it, and waits until it has ended. */
  async end(): Promise<void> {
    this.#lose("was ended");
    await this.ended;
  }

  #read(chunk: Buffer): void {
    try {
      for (const value of this.#reader.read(chunk)) if (this.isRunning) this.#take(readMessage(value));
      if (this.#reader.isWithinFrame) this.#requireCalls();
    } catch (error) {
      this.#lose(`was ended, since it sent ${(error as Error).message}`);
    }
  }

  #take(message: Message): void {
    this.#requireCalls();
    if ("hung" in message) {
      this.#lose(`was ended, since ${message.hung} had not returned after ${this.#hangTimeout} ms`);
      return;
    }
    if ("begin" in message) {
      this.#begun += 1;
      if (this.#begun > MOST_BEGUN) throw new RangeError(`that it began ${this.#begun} functions, and no result`);
      this.#latest = message.begin;
      this.#patience = this.#hangTimeout;
    } else {
      this.#settle(message);
      this.#begun = 0;
      this.#latest = "its last response";
      this.#patience = Math.max(this.#hangTimeout, BEGIN_MS);
    }
    this.#watch();
  }

  #requireCalls(): void {
    if (this.#calls.size === 0) throw new TypeError("something although it was asked nothing");
  }

  #settle(message: Exclude<Message, { readonly begin: string } | { readonly hung: string }>): void {
    const call = this.#calls.get(message.id);
    if (!call) throw new TypeError("the result of a call that is not in flight");
    if ("error" in message) call.reject(toSignerError(message.error));
    else call.resolve(RESULTS[call.method](message.result));
    this.#calls.delete(message.id);
  }

  /** Measures from now how long it is silent. The parent stays alive for it only while a call is in flight. */
  #watch(): void {
    const isAwaited = this.#calls.size > 0;
    this.#isSilent = false;
    clearTimeout(this.#timer);
    for (const each of [this.#process, this.#requests, this.#responses]) isAwaited ? each?.ref() : each?.unref();
    if (isAwaited) this.#timer = setTimeout(() => this.#suspect(), this.#patience);
  }

  // What it has said while the parent was busy is read before an immediate.
  #suspect(): void {
    this.#isSilent = true;
    setImmediate(() => {
      if (this.#isSilent) this.#lose(`was ended, since it was silent for ${this.#patience} ms after ${this.#latest}`);
    });
  }

  #lose(why: string): void {
    if (this.#loss) return;
    this.#loss = lost(why);
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#watch();
    this.#process.ref();
    this.#process.kill("SIGKILL");
    this.#requests?.destroy();
    this.#responses?.destroy();
    for (const { reject } of calls) reject(this.#loss);
  }
}

export function lost(why: string): SignerError {
  return new SignerError(
    "BACKEND_UNAVAILABLE",
    `the process of the PKCS#11 library ${why}; the next call starts it again`,
    { info: { returnValue: CKR.CRYPTOKI_NOT_INITIALIZED } },
  );
}

function childFile(): string {
  try {
    return createRequire(import.meta.url).resolve("ethers-hsm/pkcs11/isolation");
  } catch (cause) {
    throw new SignerError(
      "DEPENDENCY_MISSING",
      'isolation: "process" needs the files of ethers-hsm beside the application; leave ethers-hsm out of its bundle',
      { cause },
    );
  }
}

/** NODE_OPTIONS of this process, if it has any, for the child: a debugger would open a port there. */
function withoutInspector(): string | undefined {
  return process.env["NODE_OPTIONS"]?.replace(/(^|\s)--inspect\S*/g, "$1");
}
