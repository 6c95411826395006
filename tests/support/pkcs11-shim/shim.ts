import { closeSync, copyFileSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildShim } from "./build.ts";
import {
  ANSWERS,
  CONTROL_SIZE,
  FAULT,
  FUNCTIONS,
  HABIT_WORDS,
  HABITS,
  MODULE_STATS,
  MODULE_WORDS,
  OTHER_USER_ACTIONS,
  OTHER_USER_WORD,
  PATH_SIZE,
  PROCESS_COUNT,
  PROCESS_WORDS,
  RECORD_LENGTH,
  ROW,
  type ShimFunction,
  STATS,
  SWAPPED_WORDS,
} from "./layout.ts";

export type { ShimFunction } from "./layout.ts";

export type ShimHabit = (typeof HABITS)[number];

/** What happens to the calls of one function. Several of them happen in this order: delay, hang, crash, return value. */
export interface ShimFault {
  /** The CK_RV that is returned, without asking the real module. CKR_SESSION_CLOSED and CKR_SESSION_HANDLE_INVALID close the session. */
  readonly returnValue?: number;
  /** The process dies with SIGSEGV. */
  readonly crash?: boolean;
  /** The call takes so much longer. */
  readonly delayMs?: number;
  /** The call does not go on before the fault is cleared, or before so many milliseconds have passed. */
  readonly hangMs?: number;
  /** C_Sign only: what it answers instead of the signature. */
  readonly answer?: (typeof ANSWERS)[number];
  /** How many calls go well first. Default: none. */
  readonly skip?: number;
  /** How many calls it happens to. Default: every one. */
  readonly count?: number;
  /** To which share of the calls it happens, in thousandths and by chance. Default: 1000. */
  readonly permille?: number;
}

type FunctionStats = Record<(typeof STATS)[number], number>;

export interface ShimStats extends Record<(typeof MODULE_STATS)[number], number> {
  readonly functions: Readonly<Record<ShimFunction, FunctionStats>>;
  /** Sessions that living processes have open. */
  readonly sessions: number;
  /** Calls that a delay or a hang holds right now. */
  readonly held: number;
  /** Living processes that have loaded the library. */
  readonly processes: readonly number[];
}

const UNLIMITED = 2 ** 52;

/**
 * A PKCS#11 module of its own path that passes every call on to a real one, except for the faults that a test asks for
 * while calls run, in whatever process loaded it. It counts the calls, and breaches of "one operation per session at a time":
 * `overlaps` (two calls at once), `interleavings` (an operation begun within another), `closedInUse`.
 */
export class Shim {
  /** Where the module is: what is passed as `libraryPath`. */
  readonly libraryPath: string;
  readonly #folder: string;
  readonly #file: number;

  /** @param module the path of the real module */
  constructor(module: string) {
    this.#folder = mkdtempSync(join(tmpdir(), "ethers-hsm-shim-"));
    this.libraryPath = join(this.#folder, "libshim.so");
    copyFileSync(buildShim(), this.libraryPath);
    this.#file = openSync(`${this.libraryPath}.control`, "w+", 0o600);
    const control = Buffer.alloc(CONTROL_SIZE);
    if (control.write(module) >= PATH_SIZE) throw new Error("the module's path is too long");
    writeSync(this.#file, control, 0, control.length, 0);
  }

  /** Replaces the fault of one function. */
  set(name: ShimFunction, fault: ShimFault): void {
    const record = FUNCTIONS.indexOf(name) * RECORD_LENGTH;
    const values: Record<(typeof FAULT)[number], number> = {
      armed: 1,
      returnValue: fault.returnValue ?? 0,
      crash: fault.crash ? 1 : 0,
      delayMs: fault.delayMs ?? 0,
      hangMs: fault.hangMs ?? 0,
      answer: ANSWERS.indexOf(fault.answer ?? "true"),
      skip: fault.skip ?? 0,
      remaining: fault.count ?? UNLIMITED,
      permille: fault.permille ?? 1000,
    };
    this.#write(record, 0);
    for (const [offset, key] of FAULT.entries()) if (key !== "armed") this.#write(record + offset, values[key]);
    this.#write(record, values.armed);
  }

  /** Takes away the fault of one function, or of all, and releases the calls that hang. */
  clear(name?: ShimFunction): void {
    for (const each of name === undefined ? FUNCTIONS : [name]) {
      const record = FUNCTIONS.indexOf(each) * RECORD_LENGTH;
      for (const offset of FAULT.keys()) this.#write(record + offset, 0);
    }
    if (name === undefined) this.#write(OTHER_USER_WORD, 0);
  }

  /** Lets the module have these habits from now on, and no others. Those of handles concern what is opened or found from now on. */
  adopt(...habits: readonly ShimHabit[]): void {
    for (const [index, habit] of HABITS.entries()) this.#write(HABIT_WORDS + index, habits.includes(habit) ? 1 : 0);
  }

  /** Lets the tokens of two slots change places, as after a restart that numbers them otherwise; without slots, back. */
  swapSlots(one = 0n, other = 0n): void {
    this.#write(SWAPPED_WORDS, Number(one));
    this.#write(SWAPPED_WORDS + 1, Number(other));
  }

  /** Lets another user of the module, in the process that signs next, do this once. */
  otherUser(action: Exclude<(typeof OTHER_USER_ACTIONS)[number], "nothing">): void {
    this.#write(OTHER_USER_WORD, OTHER_USER_ACTIONS.indexOf(action));
  }

  stats(): ShimStats {
    const bytes = Buffer.alloc(CONTROL_SIZE - PATH_SIZE);
    readSync(this.#file, bytes, 0, bytes.length, PATH_SIZE);
    const word = (position: number) => Number(bytes.readBigUInt64LE(8 * position));
    const named = <N extends string>(names: readonly N[], first: number) =>
      Object.fromEntries(names.map((name, index) => [name, word(first + index)])) as Record<N, number>;
    const functions = FUNCTIONS.map(
      (name, index) => [name, named(STATS, index * RECORD_LENGTH + FAULT.length)] as const,
    );
    const rows = Array.from({ length: PROCESS_COUNT }, (_, index) => named(ROW, PROCESS_WORDS + index * ROW.length));
    const alive = rows.filter(({ pid }) => pid !== 0 && isAlive(pid));
    return {
      ...named(MODULE_STATS, MODULE_WORDS),
      functions: Object.fromEntries(functions) as Record<ShimFunction, FunctionStats>,
      sessions: alive.reduce((sum, { sessions }) => sum + sessions, 0),
      held: alive.reduce((sum, { held }) => sum + held, 0),
      processes: alive.map(({ pid }) => pid),
    };
  }

  /** Takes every fault away and removes the files. The processes that loaded the library keep it. */
  remove(): void {
    this.clear();
    closeSync(this.#file);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #write(position: number, value: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    writeSync(this.#file, bytes, 0, 8, PATH_SIZE + 8 * position);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
