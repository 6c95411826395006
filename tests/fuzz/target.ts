import type { Random } from "./random.ts";

/** A decoder under test: what goes in, what may come out, and who else can say whether that is right. */
export interface FuzzTarget<Output = unknown> {
  /** The longest input in bytes that is tried. */
  readonly maxLength: number;
  /** Inputs that the decoder accepts, or nearly: what all others are made of. */
  seeds(): Iterable<Uint8Array>;
  /** Decodes, and is timed. It may throw what {@link allows} allows. */
  decode(input: Uint8Array): Output;
  /** Whether the decoder may throw this. */
  allows(error: unknown): boolean;
  /** Throws where an accepted input's output is wrong: by a round trip, or by another implementation. */
  confirm?(input: Uint8Array, output: Output): void;
  /** Throws where the input should not have been refused. */
  confirmRefusal?(input: Uint8Array): void;
  /** Longest output, as text or bytes, for an input of this many bytes. Default: 64 kB, and 16 times the input. */
  maxOutput?(inputLength: number): number;
  /** Milliseconds that a kilobyte may take; an input below one kilobyte counts as one. Default: 1. */
  readonly msPerKilobyte?: number;
  /** Words of the format, which are put into inputs. */
  readonly words?: readonly string[];
  /** A mutation that knows the format; undefined where it cannot read the input. */
  mutate?(input: Uint8Array, random: Random, other: Uint8Array): Uint8Array | undefined;
}
