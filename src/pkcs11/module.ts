import { isSignerError, SignerError } from "../core/errors.ts";
import type { Cryptoki, TokenSlot } from "./cryptoki.ts";
import { returnValueOf } from "./errors.ts";
import { isolatedCryptoki } from "./isolation/isolated-cryptoki.ts";
import { loadLibrary, resolveLibrary } from "./library.ts";
import { LocalCryptoki } from "./local-cryptoki.ts";
import { ObjectGate } from "./object-gate.ts";
import type { CheckedLibrary } from "./options.ts";
import { CKR } from "./return-values.ts";
import { SessionPool } from "./session-pool.ts";

// How long calls in flight may take to end before the library is started again; likewise if other code has finalised it, which
// those calls have then lived through. And the time between two starts.
const DRAIN_MS = 5_000;
const DRAIN_FINALIZED_MS = 500;
const REST_MS = 200;
// A library that was started so recently need not be started again to see the tokens of now.
const FRESH_MS = 1_000;

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
  #startedAt = performance.now();
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

  /** The sessions with that token in that slot. */
  pool(slot: TokenSlot): SessionPool {
    const pool = this.#pools.get(slot.identity) ?? new SessionPool(this.cryptoki, slot, this.#gate);
    this.#pools.set(slot.identity, pool);
    return pool;
  }

  /** Forgets a pool that has no users. */
  forget(pool: SessionPool): void {
    const { identity } = pool.slot;
    if (!pool.isUsed && this.#pools.get(identity) === pool) this.#pools.delete(identity);
  }

  /**
   * Lets the library read again which tokens there are, which many do only when they start.
   *
   * @returns "current" if it was started since `generation` or a moment ago; "outdated" if it must not be started again, since
   *   other signers, or other code of this process, may be using it.
   */
  async refresh(generation: object): Promise<"current" | "restarted" | "outdated"> {
    if (this.#generation !== generation) return "restarted";
    if (this.#isOurs && performance.now() - this.#startedAt < FRESH_MS) return "current";
    if (!this.cryptoki.isIsolated || [...this.#pools.values()].some(({ isUsed }) => isUsed)) return "outdated";
    await this.#restartOnce(() => this.#startAgain({ isFinalized: false }));
    return "restarted";
  }

  /**
   * Starts the library again, once for however many callers that failed with it since `generation`, unless the token of `pool`
   * answers.
   *
   * In this process it is finalised first only where this package initialised it, no call is in flight, and no other token of
   * it answers: other code may be using the library.
   *
   * @param reason what the library answered.
   * @throws `reason` if it must not be started again; what the start failed with.
   */
  async restart(generation: object, reason: unknown, pool: SessionPool | undefined): Promise<void> {
    if (this.#generation !== generation) return;
    if (this.#failure && performance.now() - this.#failure.at < REST_MS) throw this.#failure.error;
    await this.#restartOnce(() => this.#restart(reason, pool));
  }

  async #restartOnce(restart: () => Promise<void>): Promise<void> {
    this.#restarting ??= restart().finally(() => {
      this.#restarting = undefined;
    });
    await this.#restarting;
  }

  async #restart(reason: unknown, requester: SessionPool | undefined): Promise<void> {
    const isFinalized = returnValueOf(reason) === CKR.CRYPTOKI_NOT_INITIALIZED;
    if (!isFinalized) {
      // The token answers: another session is enough.
      if (await requester?.probe()) return;
      // While the token is away every start succeeds, and does not help.
      const rest = this.#startedAt + REST_MS - performance.now();
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
      await this.#requireUnused(reason, requester);
    }
    await this.#startAgain({ isFinalized });
  }

  async #startAgain({ isFinalized }: { readonly isFinalized: boolean }): Promise<void> {
    const pools = [...this.#pools.values()];
    for (const pool of pools) pool.suspend();
    try {
      await this.#drain(pools, isFinalized ? DRAIN_FINALIZED_MS : DRAIN_MS);
      if (!isFinalized) {
        await this.#finalize();
        this.#isEndedHere = true;
      }
      const isOurs = await this.cryptoki.initialize(this.#parameters);
      // Other code that has finalised it uses it as well.
      this.#isOurs = isOurs && (this.cryptoki.isIsolated || this.#isEndedHere);
      this.#isEndedHere = false;
    } catch (error) {
      this.#failure = { error, at: performance.now() };
      for (const pool of pools) pool.resume();
      throw error;
    }
    this.#generation = {};
    this.#failure = undefined;
    this.#startedAt = performance.now();
    for (const pool of this.#pools.values()) pool.end();
    this.#pools.clear();
  }

  async #requireUnused(reason: unknown, requester: SessionPool | undefined): Promise<void> {
    if (!this.#isOurs)
      throw notRestarted(reason, "other code of this process initialised the library, and only it may end it");
    for (const pool of this.#pools.values()) {
      if (pool !== requester && (await pool.isServing()))
        throw notRestarted(reason, "another token of the library answers");
    }
  }

  /** Waits for the tasks that run, unless the library is isolated: its process takes them with it. */
  async #drain(pools: readonly SessionPool[], ms: number): Promise<void> {
    if (this.cryptoki.isIsolated) return;
    const deadline = performance.now() + ms;
    const isWorking = ({ state }: SessionPool) => state.busy + state.abandoned > 0;
    while (pools.some(isWorking) || this.cryptoki.isBusy) {
      if (performance.now() > deadline) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async #finalize(): Promise<void> {
    // To end the library under a call in flight crashes the process.
    if (this.cryptoki.isBusy) {
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

// The library's return value stays the error; its message also says why nothing was done about it.
function notRestarted(reason: unknown, why: string): unknown {
  if (!isSignerError(reason)) return reason;
  return new SignerError(reason.code, `${reason.message}. The library was not started again: ${why}`, {
    operation: reason.operation,
    retryable: reason.retryable,
    info: reason.info,
    cause: reason.cause,
  });
}
