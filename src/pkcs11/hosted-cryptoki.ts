import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { SignerError } from "../core/errors.ts";
import type { Cryptoki, Handle, KeyPairHandles, LibraryInfo, SlotInfo, Template, TokenInfo } from "./cryptoki.ts";
import { CKR } from "./errors.ts";
import {
  fromHostedError,
  type HostAnswer,
  type HostedMethod,
  type HostRequest,
  toHostedError,
} from "./host/message.ts";

// Of libuv in the library's process: enough for the sessions of several tokens, and for some that hang.
const THREADS = "32";
// How long a process may take to start on a busy machine, which says nothing of the library.
const START_MS = 30_000;

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * A library that runs in a process of its own: a crash or a hang of it ends that process, not this one.
 *
 * The process is a child that speaks to this one over a pipe: it opens no port, and its arguments and environment hold no PIN.
 * It ends with this one. A call that has not returned after `hangTimeout` milliseconds counts as hung: the process is killed.
 * Every call in flight then fails as if the library had been finalised, and `initialize` starts another process.
 */
export class HostedCryptoki implements Cryptoki {
  readonly isIsolated = true;
  readonly #path: string;
  readonly #hangTimeout: number;
  readonly #pending = new Map<number, Pending>();
  #child: ChildProcess | undefined;
  /** Settles when the process has ended. */
  #exit: Promise<void> | undefined;
  /** The process whose library is initialised. */
  #ready: ChildProcess | undefined;
  #count = 0;

  constructor(path: string, hangTimeout: number) {
    this.#path = path;
    this.#hangTimeout = hangTimeout;
  }

  async initialize(parameters?: string): Promise<boolean> {
    const child = this.#child ?? this.#start();
    if (this.#ready !== child) await this.#ask(child, "load", [this.#path], Math.max(this.#hangTimeout, START_MS));
    const isOurs = await this.#ask<boolean>(child, "initialize", [parameters], this.#hangTimeout);
    this.#ready = child;
    return isOurs;
  }

  async finalize(): Promise<void> {
    await this.end();
  }

  async end(): Promise<void> {
    const child = this.#child;
    // One that could not be started has no number, and never exits.
    if (child?.pid === undefined) return;
    child.ref();
    child.kill("SIGKILL");
    await this.#exit;
  }

  getInfo(): Promise<LibraryInfo> {
    return this.#call("getInfo", []);
  }

  getSlots(): Promise<Handle[]> {
    return this.#call("getSlots", []);
  }

  getSlotInfo(slot: Handle): Promise<SlotInfo> {
    return this.#call("getSlotInfo", [slot]);
  }

  getTokenInfo(slot: Handle): Promise<TokenInfo> {
    return this.#call("getTokenInfo", [slot]);
  }

  getMechanismFlags(slot: Handle, mechanism: number): Promise<number | undefined> {
    return this.#call("getMechanismFlags", [slot, mechanism]);
  }

  openSession(slot: Handle): Promise<Handle> {
    return this.#call("openSession", [slot]);
  }

  closeSession(session: Handle): Promise<void> {
    return this.#call("closeSession", [session]);
  }

  getSessionState(session: Handle): Promise<number> {
    return this.#call("getSessionState", [session]);
  }

  login(session: Handle, pin: string): Promise<void> {
    return this.#call("login", [session, pin]);
  }

  findObjects(session: Handle, template: Template, limit: number): Promise<Handle[]> {
    return this.#call("findObjects", [session, template, limit]);
  }

  getAttributes(session: Handle, object: Handle, types: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    return this.#call("getAttributes", [session, object, types]);
  }

  createObject(session: Handle, template: Template): Promise<Handle> {
    return this.#call("createObject", [session, template]);
  }

  destroyObject(session: Handle, object: Handle): Promise<void> {
    return this.#call("destroyObject", [session, object]);
  }

  generateKeyPair(
    session: Handle,
    mechanism: number,
    publicKey: Template,
    privateKey: Template,
  ): Promise<KeyPairHandles> {
    return this.#call("generateKeyPair", [session, mechanism, publicKey, privateKey]);
  }

  unwrapKey(session: Handle, mechanism: number, wrappingKey: Handle, wrapped: Buffer, key: Template): Promise<Handle> {
    return this.#call("unwrapKey", [session, mechanism, wrappingKey, wrapped, key]);
  }

  sign(session: Handle, mechanism: number, key: Handle, data: Uint8Array, pin?: string): Promise<Uint8Array> {
    return this.#call("sign", [session, mechanism, key, data, pin]);
  }

  #start(): ChildProcess {
    const child = fork(hostFile(), {
      // The debugger of this process would open a port in that one.
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: withoutInspector(), UV_THREADPOOL_SIZE: THREADS },
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#child = child;
    child.on("message", (answer: HostAnswer) => this.#settle(child, answer));
    child.once("error", (cause) => this.#lose(child, `could not be started: ${cause.message}`));
    this.#exit = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#lose(child, `ended with ${signal ?? `exit code ${code}`}`);
        resolve();
      });
    });
    return child;
  }

  #call<Result>(method: HostedMethod, args: readonly unknown[]): Promise<Result> {
    const child = this.#child;
    if (!child || this.#ready !== child) return Promise.reject(lost("is not running"));
    return this.#ask(child, method, args, this.#hangTimeout);
  }

  // The results' types are those of the library in that process.
  #ask<Result>(child: ChildProcess, method: HostedMethod, args: readonly unknown[], timeout: number): Promise<Result> {
    if (this.#child !== child || !child.connected) return Promise.reject(lost("is not running"));
    this.#count += 1;
    const request: HostRequest = { id: this.#count, method, args };
    return new Promise<Result>((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(child, method, timeout), timeout);
      this.#pending.set(request.id, { resolve: resolve as Pending["resolve"], reject, timer });
      this.#keepAlive(child);
      child.send(request, (cause) => {
        if (!cause) return;
        const error = toHostedError(lost(`cannot be reached: ${cause.message}`));
        this.#settle(child, { id: request.id, error });
      });
    });
  }

  #settle(child: ChildProcess, { id, result, error }: HostAnswer): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    this.#keepAlive(child);
    if (error) pending.reject(fromHostedError(error));
    else pending.resolve(result);
  }

  #giveUp(child: ChildProcess, method: HostedMethod, timeout: number): void {
    this.#lose(child, `was ended, since its ${method} had not returned after ${timeout} ms`);
    child.kill("SIGKILL");
  }

  #lose(child: ChildProcess, why: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject, timer } of pending) {
      clearTimeout(timer);
      reject(lost(why));
    }
  }

  // The process and its pipe keep this one alive only while somebody waits for an answer.
  #keepAlive(child: ChildProcess): void {
    if (this.#pending.size > 0) {
      child.ref();
      child.channel?.ref();
    } else {
      child.unref();
      child.channel?.unref();
    }
  }
}

function lost(why: string): SignerError {
  return new SignerError(
    "BACKEND_UNAVAILABLE",
    `the process of the PKCS#11 library ${why}; the next call starts it again`,
    {
      info: { returnValue: CKR.CRYPTOKI_NOT_INITIALIZED },
    },
  );
}

function hostFile(): string {
  try {
    return createRequire(import.meta.url).resolve("ethers-hsm/pkcs11/host");
  } catch (cause) {
    throw new SignerError(
      "DEPENDENCY_MISSING",
      'isolation: "process" needs the files of ethers-hsm beside the application; leave ethers-hsm out of its bundle',
      { cause },
    );
  }
}

/** NODE_OPTIONS of this process, where it has any, for the library's. */
function withoutInspector(): string | undefined {
  return process.env["NODE_OPTIONS"]?.replace(/(^|\s)--inspect\S*/g, "$1");
}
