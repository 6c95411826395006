import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { SignerError } from "../../core/errors.ts";
import { CKR } from "../return-values.ts";
import { FrameReader, frame } from "./frames.ts";
import { encode, type IsolatedMethod, type Message, RESULTS, readMessage, toSignerError } from "./messages.ts";

// Of libuv in the child: enough for the sessions of several tokens, and for some that hang.
const THREADS = "32";
// How long a busy machine may take to start a child and to load the library, and a child to say what it is doing.
const START_MS = 30_000;
const REPORT_MS = 5_000;
// What the child's watcher says: the byte that asked, for how many milliseconds it is in a function of the library, and how many
// functions it has begun.
const REPORT = 9;

interface Call {
  readonly method: IsolatedMethod;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: SignerError) => void;
}

/**
 * The parent's view of one child, the process that an isolated library runs in.
 *
 * They speak over pipes: the child opens no port, and its arguments and environment hold no PIN. It ends with the parent. What
 * does not belong into a pipe ends it, and so does a function that has not returned `hangTimeout` milliseconds after it began.
 * After that long without a response the parent asks the child's watcher, a thread that the library does not hold, what goes on.
 */
export class Child {
  /** Settles once the process has ended, and never rejects. */
  readonly ended: Promise<void>;
  readonly #hangTimeout: number;
  readonly #process: ChildProcess;
  /** For requests, for responses, and to its watcher. */
  readonly #pipes: readonly Socket[];
  readonly #reader = new FrameReader();
  readonly #calls = new Map<number, Call>();
  #count = 0;
  #hasResponded = false;
  #timer: NodeJS.Timeout | undefined;
  /** Counts what the watcher was asked, in a byte, and what of that it has not answered. */
  #question = 0;
  #unanswered = 0;
  #awaitsReport = false;
  /** How many functions it had begun by the last report, and how many reports have said the same. */
  #begun: number | undefined;
  #standstill = 0;
  /** Why it runs no longer. */
  #loss: SignerError | undefined;

  constructor(path: string, hangTimeout: number) {
    this.#hangTimeout = hangTimeout;
    this.#process = spawn(process.execPath, [childFile(), path, `${hangTimeout}`], {
      env: { ...process.env, NODE_OPTIONS: withoutInspector(), UV_THREADPOOL_SIZE: THREADS },
      // Apart from the pipes to which a library may write.
      stdio: ["ignore", "ignore", "inherit", "pipe", "pipe", "pipe"],
      // A terminal and a supervisor signal the whole process group: the parent decides when the child ends.
      detached: true,
    });
    // Without a free file descriptor there are none.
    this.#pipes = (this.#process.stdio ?? []).slice(3) as Socket[];
    const [requests, responses, watcher] = this.#pipes;
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
    for (const pipe of this.#pipes) pipe.on("error", kill).on("end", kill);
    requests?.on("data", kill);
    responses?.on("data", (chunk: Buffer) => this.#read(chunk));
    watcher?.on("data", (chunk: Buffer) => this.#readReports(chunk));
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
      this.#pipes[0]?.write(frame([this.#count, method, args.map(encode)]));
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
    this.#settle(message);
    this.#hasResponded = true;
    this.#watch();
  }

  #requireCalls(): void {
    if (this.#calls.size === 0) throw new TypeError("something although it was asked nothing");
  }

  #settle(message: Exclude<Message, { readonly hung: string }>): void {
    const call = this.#calls.get(message.id);
    if (!call) throw new TypeError("the result of a call that is not in flight");
    if ("error" in message) call.reject(toSignerError(message.error));
    else call.resolve(RESULTS[call.method](message.result));
    this.#calls.delete(message.id);
  }

  /** Waits for its next response. The parent stays alive for that only while a call is in flight. */
  #watch(): void {
    const isAwaited = this.#calls.size > 0;
    for (const each of [this.#process, ...this.#pipes]) isAwaited ? each.ref() : each.unref();
    this.#awaitsReport = false;
    this.#begun = undefined;
    clearTimeout(this.#timer);
    const ms = this.#hasResponded ? this.#hangTimeout : Math.max(this.#hangTimeout, START_MS);
    if (isAwaited) this.#timer = setTimeout(() => this.#askWatcher(), ms);
  }

  #askWatcher(): void {
    this.#question = (this.#question + 1) % 256;
    this.#unanswered += 1;
    this.#awaitsReport = true;
    this.#pipes[2]?.write(Buffer.of(this.#question));
    // What has come while the parent was busy is read before an immediate.
    const giveUp = () => this.#awaitsReport && this.#lose(`was ended, since it had not answered for ${REPORT_MS} ms`);
    this.#timer = setTimeout(() => setImmediate(giveUp), REPORT_MS);
  }

  #readReports(chunk: Buffer): void {
    this.#unanswered -= chunk.length / REPORT;
    if (!Number.isInteger(this.#unanswered) || this.#unanswered < 0) {
      this.#lose("was ended, since it sent reports that it was not asked for");
    }
    const report = chunk.subarray(-REPORT);
    // Another one is of before the last response.
    if (this.#awaitsReport && report[0] === this.#question) this.#judge(report.readUInt32BE(1), report.readUInt32BE(5));
  }

  /** `ms` is 0 also while other threads do the work, which the child times itself: they return, or it says that they hang. */
  #judge(ms: number, begun: number): void {
    this.#awaitsReport = false;
    clearTimeout(this.#timer);
    this.#standstill = ms === 0 && begun === this.#begun ? this.#standstill + 1 : 0;
    this.#begun = begun;
    if (ms < this.#hangTimeout && this.#standstill < 2) {
      this.#timer = setTimeout(() => this.#askWatcher(), this.#hangTimeout - ms);
      return;
    }
    const methods = new Set([...this.#calls.values()].map(({ method }) => method));
    this.#lose(`was ended, since ${[...methods].join()} had not returned after ${this.#hangTimeout} ms`);
  }

  #lose(why: string): void {
    if (this.#loss) return;
    this.#loss = lost(why);
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#watch();
    this.#process.ref();
    this.#process.kill("SIGKILL");
    for (const pipe of this.#pipes) pipe.destroy();
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
