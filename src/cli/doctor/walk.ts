import { reportOf } from "../failure.ts";
import type { Terminal } from "../terminal.ts";

/** What a step found. It works, also where there is a warning. */
export interface Finding<T> {
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

/** A step that failed: what is wrong, and what to change. */
export class StepError extends Error {
  override readonly name = "StepError";
}

const TRIED = Symbol("a step's value");

/** What a step gave; steps that need it are not tried where it failed. */
export interface Outcome<T> {
  readonly step: string;
  readonly [TRIED]: { readonly value: T } | undefined;
}

type Values<Needs extends readonly Outcome<unknown>[]> = {
  [Index in keyof Needs]: Needs[Index] extends Outcome<infer T> ? T : never;
};

/** The steps of an examination, in their order. A failed one ends only those that need it. */
export class Walk {
  readonly reports: StepReport[] = [];
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  async step<T, const Needs extends readonly Outcome<unknown>[]>(
    step: string,
    needs: Needs,
    look: (...values: Values<Needs>) => Promise<Finding<T>>,
  ): Promise<Outcome<T>> {
    const missing = needs.find((need) => need[TRIED] === undefined);
    if (missing) return this.#add({ step, status: "not-tried", detail: `it needs ${missing.step}` });
    this.#terminal.progress(`${step} …`);
    const begun = performance.now();
    const took = () => Math.round(performance.now() - begun);
    try {
      const values = needs.map((need) => need[TRIED]?.value) as Values<Needs>;
      const { detail, warning, facts, value } = await look(...values);
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
