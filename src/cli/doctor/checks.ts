import { setTimeout } from "node:timers/promises";
import { CommandError } from "../errors.ts";
import { reportOf } from "../failure.ts";
import type { Terminal } from "../terminal.ts";

/** What a step found. It works, even with a warning. */
export interface CheckResult<T> {
  readonly detail: string;
  /** What is not as it should be, and what to change. */
  readonly warning?: string | undefined;
  /** For programs. No secret. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
  readonly value: T;
}

export interface StepReport {
  readonly step: string;
  readonly status: "ok" | "warning" | "failed" | "not-tried";
  /** What was found; or why it failed, and what to change. */
  readonly detail: string;
  readonly code?: string | undefined;
  readonly milliseconds?: number | undefined;
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
}

/** What is wrong, and what to change. */
export function failedStep(message: string): CommandError {
  return new CommandError("CHECK_FAILED", message);
}

/** Calls end by their own deadline first, with a message that says more. */
const GRACE_MS = 500;

const TRIED = Symbol("a step's value");

/** The result of a step; steps that need it are not tried if it failed. */
export interface Outcome<T> {
  readonly step: string;
  readonly [TRIED]: { readonly value: T } | undefined;
}

type Values<Needs extends readonly Outcome<unknown>[]> = {
  [Index in keyof Needs]: Needs[Index] extends Outcome<infer T> ? T : never;
};

/** Runs the steps in their order. A failed one ends only those that need it. */
export class Checks {
  readonly reports: StepReport[] = [];
  readonly #terminal: Terminal;
  readonly #timeout: number;

  /** @param timeout the longest time of a step, in milliseconds. */
  constructor(terminal: Terminal, timeout: number) {
    this.#terminal = terminal;
    this.#timeout = timeout;
  }

  async step<T, const Needs extends readonly Outcome<unknown>[]>(
    step: string,
    needs: Needs,
    look: (...values: Values<Needs>) => Promise<CheckResult<T>>,
  ): Promise<Outcome<T>> {
    const missing = needs.find((need) => need[TRIED] === undefined);
    if (missing) return this.#add({ step, status: "not-tried", detail: `it needs ${missing.step}` });
    this.#terminal.progress(`${step} …`);
    const begun = performance.now();
    const took = () => Math.round(performance.now() - begun);
    try {
      const values = needs.map((need) => need[TRIED]?.value) as Values<Needs>;
      const { detail, warning, facts, value } = await withinTime(look(...values), this.#timeout);
      const status = warning === undefined ? "ok" : "warning";
      const text = warning === undefined ? detail : `${detail}; ${warning}`;
      return this.#add({ step, status, detail: text, milliseconds: took(), facts }, { value });
    } catch (error) {
      const { code, message } = reportOf(error);
      return this.#add({ step, status: "failed", detail: message, code, milliseconds: took() });
    }
  }

  #add<T>(report: StepReport, tried?: { readonly value: T }): Outcome<T> {
    this.reports.push(report);
    return { step: report.step, [TRIED]: tried };
  }
}

async function withinTime<T>(work: Promise<T>, timeout: number): Promise<T> {
  const timer = new AbortController();
  const late = setTimeout(timeout + GRACE_MS, undefined, { signal: timer.signal }).then(() => {
    throw failedStep(
      `it did not end within ${timeout / 1_000} seconds: check what it connects to, or pass a longer --timeout`,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
