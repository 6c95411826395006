import { allShown } from "./shown.ts";

const METHODS = ["log", "info", "warn", "error", "debug", "trace"] as const;

/** Everything that a process says while it is watched: its streams, its console and its warnings. */
export class Recorder {
  readonly #said: string[] = [];
  readonly #restore: (() => void)[] = [];

  constructor() {
    for (const stream of [process.stdout, process.stderr]) this.#replace(stream, "write");
    for (const method of METHODS) this.#replace(console, method);
    const warned = (warning: Error): void => void this.#said.push(allShown(warning));
    process.on("warning", warned);
    this.#restore.push(() => process.off("warning", warned));
  }

  /** Also what was handed to a logger. */
  readonly say = (...values: unknown[]): true => {
    this.#said.push(...values.map((value) => (typeof value === "string" ? value : allShown(value))));
    return true;
  };

  get text(): string {
    return this.#said.join("\n");
  }

  stop(): void {
    for (const restore of this.#restore.splice(0)) restore();
  }

  #replace(owner: object, name: string): void {
    const original = Reflect.get(owner, name);
    Reflect.set(owner, name, this.say);
    this.#restore.push(() => Reflect.set(owner, name, original));
  }
}
