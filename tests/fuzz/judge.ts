import type { FuzzTarget } from "./target.ts";

/** What a decoder must not do, and did. */
class Violation extends Error {
  readonly kind: "error" | "slow" | "wrong" | "large" | "input";

  constructor(kind: Violation["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

const REPETITIONS = 20;
/** No more repetitions after this long: what takes so much longer than it may is slow. */
const ENOUGH_MS = 2_000;

/** What the decoder made of an input, and how long it took. */
type Attempt = { readonly given: Uint8Array; readonly ms: number } & (
  | { readonly output: unknown }
  | { readonly error: unknown }
);

interface Circumstances {
  /** Whether the time counts: a run of tests on a busy computer leaves it out. */
  readonly isTimed: boolean;
}

function attempt(target: FuzzTarget, input: Uint8Array): Attempt {
  const given = input.slice();
  const start = performance.now();
  try {
    const output = target.decode(given);
    return { given, ms: performance.now() - start, output };
  } catch (error) {
    return { given, ms: performance.now() - start, error };
  }
}

/** Decodes one input, and looks at everything that must hold. @throws Violation */
export function judge(target: FuzzTarget, input: Uint8Array, { isTimed }: Circumstances): "accepted" | "refused" {
  const first = attempt(target, input);
  if (!sameBytes(first.given, input)) throw new Violation("input", "the decoder changed its input");
  if (isTimed) checkTime(target, input, first.ms);
  if ("error" in first) {
    if (!target.allows(first.error)) {
      throw new Violation("error", `the decoder threw ${describe(first.error)}`, { cause: first.error });
    }
    checked(() => target.confirmRefusal?.(input));
    return "refused";
  }
  checkSize(target, input, first.output);
  checked(() => target.confirm?.(input, first.output));
  return "accepted";
}

/** What the decoder costs in processor time: others may have the processor meanwhile. */
function cpuMs(target: FuzzTarget, input: Uint8Array): number {
  const before = process.cpuUsage();
  attempt(target, input);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Milliseconds that an input may take: by its length, and those of one kilobyte where it is shorter. */
function allowedMs({ msPerKilobyte = 1 }: FuzzTarget, { length }: Uint8Array): number {
  return Math.max(1, length / 1024) * msPerKilobyte;
}

// A pause of the collector, the compiler or the computer slows one execution, an algorithm all of them: the best one counts.
function checkTime(target: FuzzTarget, input: Uint8Array, firstMs: number): void {
  const allowed = allowedMs(target, input);
  let best = firstMs;
  const end = performance.now() + ENOUGH_MS;
  for (let count = 0; count < REPETITIONS && best > allowed && performance.now() < end; count++) {
    best = Math.min(best, cpuMs(target, input));
  }
  if (best > allowed) {
    throw new Violation(
      "slow",
      `${input.length} bytes took ${best.toFixed(1)} ms at best; ${allowed.toFixed(1)} allowed`,
    );
  }
}

function checkSize(target: FuzzTarget, { length }: Uint8Array, output: unknown): void {
  const allowed = target.maxOutput?.(length) ?? 65_536 + 16 * length;
  const size = sizeOf(output);
  if (size > allowed) throw new Violation("large", `${length} bytes gave ${size}; ${allowed} allowed`);
}

/** Bytes and characters within a value. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value === "bigint") return value.toString(16).length;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== "object" || value === null) return 8;
  return Object.entries(value).reduce((sum, [name, part]) => sum + name.length + sizeOf(part), 8);
}

function checked(confirm: () => void): void {
  try {
    confirm();
  } catch (cause) {
    throw new Violation("wrong", `the decoder's answer is wrong: ${describe(cause)}`, { cause });
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message.slice(0, 500)}` : String(error).slice(0, 500);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
