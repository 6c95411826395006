import { isSignerError, SignerError } from "../core/errors.ts";
import type { Cryptoki, TokenSlot } from "./cryptoki.ts";
import { CKR, returnValueOf } from "./errors.ts";
import { isolatedCryptoki } from "./isolation/isolated-cryptoki.ts";
import { loadLibrary, resolveLibrary } from "./library.ts";
import { LocalCryptoki } from "./local-cryptoki.ts";
import { ObjectGate } from "./object-gate.ts";
import type { CheckedLibrary } from "./options.ts";
import { SessionPool } from "./session-pool.ts";

// How long calls in flight may take to end before the library is started again, and the time between two starts.
const DRAIN_MS = 5_000;
const REST_MS = 200;

interface Loaded {
  readonly module: Promise<Pkcs11Module>;
  /** Those that loaded it and have not released it yet. */
  users: number;
}

// In this process permanently, since other code of it may use the library too; isolated, for as long as it has users.
const modules = new Map<string, Loaded>();
const ending = new Map<string, Promise<void>>();

/**
 * The library, loaded and initialised once per process, or isolated, once for equal options. Each call makes one more user of it:
 * release it once.
 *
 * @throws SignerError DEPENDENCY_MISSING where pkcs11js or the library is not installed.
 */
export async function loadModule(options: CheckedLibrary): Promise<Pkcs11Module> {
  const path = await resolveLibrary(options.libraryPath);
  const { isIsolated, hangTimeout, user, libraryParameters } = options;
  // In this process a library is started once, by whichever options come first.
  const key = JSON.stringify(isIsolated ? [path, hangTimeout, user ?? null, libraryParameters ?? null] : [path]);
  while (ending.has(key)) await ending.get(key);
  const loaded: Loaded = modules.get(key) ?? {
    module: Pkcs11Module.start(path, options, () => release(key, loaded)),
    users: 0,
  };
  modules.set(key, loaded);
  loaded.users += 1;
  try {
    return await loaded.module;
  } catch (error) {
    if (modules.get(key) === loaded) modules.delete(key);
    throw error;
  }
}

async function release(key: string, loaded: Loaded): Promise<void> {
  loaded.users -= 1;
  const { cryptoki } = await loaded.module;
  // A user may have come meanwhile, and the last one may have been another.
  if (loaded.users > 0 || !cryptoki.isIsolated) return;
  if (modules.get(key) === loaded) {
    modules.delete(key);
    ending.set(
      key,
      cryptoki.end().finally(() => ending.delete(key)),
    );
  }
  await ending.get(key);
}

/** A library that is loaded and initialised, and the sessions with its tokens. */
export class Pkcs11Module {
  readonly cryptoki: Cryptoki;
  readonly #parameters: string | undefined;
  readonly #gate = new ObjectGate();
  readonly #pools = new Map<string, SessionPool>();
  #generation: object = {};
  #isOurs: boolean;
  /** Finalised here, and not initialised again yet: a start that failed leaves it so. */
  #isEndedHere = false;
  #restarting: Promise<void> | undefined;
  #restartedAt = Number.NEGATIVE_INFINITY;
  #failure: { readonly error: unknown; readonly at: number } | undefined;
  /** Leaves the library to its other users. With the last of them an isolated one ends. */
  readonly release: () => Promise<void>;

  private constructor(
    cryptoki: Cryptoki,
    parameters: string | undefined,
    isOurs: boolean,
    release: () => Promise<void>,
  ) {
    this.cryptoki = cryptoki;
    this.#parameters = parameters;
    this.#isOurs = isOurs;
    this.release = release;
  }

  static async start(
    path: string,
    { isIsolated, hangTimeout, libraryParameters }: CheckedLibrary,
    release: () => Promise<void>,
  ): Promise<Pkcs11Module> {
    const cryptoki = isIsolated ? isolatedCryptoki(path, hangTimeout) : new LocalCryptoki(await loadLibrary(path));
    try {
      return new Pkcs11Module(cryptoki, libraryParameters, await cryptoki.initialize(libraryParameters), release);
    } catch (error) {
      await cryptoki.end();
      throw error;
    }
  }

  /** Stands for one start of the library: its slots may have other numbers after the next. */
  get generation(): object {
    return this.#generation;
  }

  /** The sessions with the token in that slot. */
  pool(slot: TokenSlot): SessionPool {
    const key = slot.handle.toString("hex");
    const pool = this.#pools.get(key) ?? new SessionPool(this.cryptoki, slot, this.#gate);
    this.#pools.set(key, pool);
    return pool;
  }

  /** Forgets a pool that has no users. */
  forget(pool: SessionPool): void {
    const key = pool.slot.handle.toString("hex");
    if (!pool.isUsed && this.#pools.get(key) === pool) this.#pools.delete(key);
  }

  /**
   * Starts the library again, once for however many callers that failed with it since `generation`, unless the token of `pool`
   * answers.
   *
   * In this process it is finalised first only where this package initialised it, no call is in flight, and no other token of
   * it answers: other code may be using the library.
   *
   * @param reason what the library answered.
   * @throws `reason` where it must not be started again; what the start failed with.
   */
  async restart(generation: object, reason: unknown, pool: SessionPool | undefined): Promise<void> {
    if (this.#generation !== generation) return;
    if (this.#failure && performance.now() - this.#failure.at < REST_MS) throw this.#failure.error;
    this.#restarting ??= this.#restart(reason, pool).finally(() => {
      this.#restarting = undefined;
    });
    await this.#restarting;
  }

  async #restart(reason: unknown, requester: SessionPool | undefined): Promise<void> {
    const isFinalized = returnValueOf(reason) === CKR.CRYPTOKI_NOT_INITIALIZED;
    // The token answers: another session is enough.
    if (!isFinalized && (await requester?.probe())) return;
    const pools = [...this.#pools.values()];
    // While the token is away every start succeeds, and helps nobody.
    const rest = this.#restartedAt + REST_MS - performance.now();
    if (!isFinalized && rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    if (!isFinalized) await this.#requireNobodyHurt(reason, requester, pools);
    let restarted = false;
    for (const pool of pools) pool.suspend();
    try {
      const isIdle = await this.#drain(pools);
      if (!isFinalized) {
        await this.#finalize(isIdle);
        this.#isEndedHere = true;
      }
      const isOurs = await this.cryptoki.initialize(this.#parameters);
      // Who else has finalised it uses it as well.
      this.#isOurs = isOurs && (this.cryptoki.isIsolated || this.#isEndedHere);
      this.#isEndedHere = false;
      this.#generation = {};
      this.#failure = undefined;
      this.#restartedAt = performance.now();
      restarted = true;
    } catch (error) {
      this.#failure = { error, at: performance.now() };
      throw error;
    } finally {
      for (const pool of pools) pool.resume({ restarted });
    }
  }

  async #requireNobodyHurt(reason: unknown, requester: SessionPool | undefined, pools: SessionPool[]): Promise<void> {
    if (!this.#isOurs)
      throw advised(reason, "other code of this process initialised the library, and only it may end it");
    for (const pool of pools) {
      if (pool !== requester && (await pool.isServing())) throw advised(reason, "another token of the library answers");
    }
  }

  /** Waits for the calls in flight; gives whether they have all returned. A process of the library's own takes them with it. */
  async #drain(pools: SessionPool[]): Promise<boolean> {
    const deadline = performance.now() + DRAIN_MS;
    while (!this.cryptoki.isIsolated && pools.some(({ state }) => state.busy + state.abandoned > 0)) {
      if (performance.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return true;
  }

  async #finalize(isIdle: boolean): Promise<void> {
    // Ending the library under a call in flight crashes the process.
    if (!isIdle) {
      throw new SignerError(
        "BACKEND_UNAVAILABLE",
        "the library must be started again, but a call hangs in it; restart the application, and see isolation",
        { operation: "C_Finalize" },
      );
    }
    try {
      await this.cryptoki.finalize();
    } catch (error) {
      if (returnValueOf(error) !== CKR.CRYPTOKI_NOT_INITIALIZED) throw error;
    }
  }
}

// The library's answer stays the error; why nothing was done about it is for whoever reads it.
function advised(reason: unknown, why: string): unknown {
  if (!isSignerError(reason)) return reason;
  return new SignerError(reason.code, `${reason.message}. The library was not started again: ${why}`, {
    operation: reason.operation,
    retryable: reason.retryable,
    info: reason.info,
    cause: reason.cause,
  });
}
