import { Heartbeat } from "./heartbeat.ts";

/** Outcomes by name, and everything that must not happen. */
export class Tally {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #violations = new Map<string, number>();
  /** The first message of each failure. */
  readonly #messages = new Map<string, string>();
  readonly heartbeat = new Heartbeat();
  inFlight = 0;
  longestWaitMs = 0;

  /** @param who a backend; `what` came of a call. */
  count(who: string, what: string): void {
    const outcomes = this.#counts.get(who) ?? new Map<string, number>();
    this.#counts.set(who, outcomes);
    outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
  }

  note(name: string, message: string): void {
    if (!this.#messages.has(name)) this.#messages.set(name, message);
  }

  /** A rule was broken. The same text counts on. */
  violate(text: string): void {
    const times = (this.#violations.get(text) ?? 0) + 1;
    this.#violations.set(text, times);
    if (times === 1) process.stdout.write(`VIOLATION: ${text}\n`);
  }

  get violations(): readonly string[] {
    return [...this.#violations].map(([text, times]) => (times === 1 ? text : `${text} (${times} times)`));
  }

  get messages(): ReadonlyMap<string, string> {
    return this.#messages;
  }

  total(who: string, what: string): number {
    return this.#counts.get(who)?.get(what) ?? 0;
  }

  /** Of every backend together. */
  sum(what: string): number {
    return [...this.#counts.keys()].reduce((sum, who) => sum + this.total(who, what), 0);
  }

  /** All outcomes together. */
  get calls(): number {
    return [...this.#counts.values()].flatMap((outcomes) => [...outcomes.values()]).reduce((sum, n) => sum + n, 0);
  }

  table(): Record<string, Record<string, number>> {
    return Object.fromEntries(
      [...this.#counts].map(([who, outcomes]) => [
        who,
        Object.fromEntries([...outcomes].sort(([a], [b]) => (a < b ? -1 : 1))),
      ]),
    );
  }
}
