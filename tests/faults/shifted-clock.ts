const RealDate = Date;

/**
 * Puts this process's wall clock forward, or back where `ms` is negative, for all of its code: as a correction by NTP, or
 * the wake-up of a virtual machine. Timers and performance.now() go on as they did, as the platform's do.
 *
 * @returns what puts the clock right again.
 */
export function shiftClock(ms: number): () => void {
  class ShiftedDate extends RealDate {
    constructor(...of: [] | ConstructorParameters<DateConstructor>) {
      super(...((of.length === 0 ? [RealDate.now() + ms] : of) as [number]));
    }

    static override now(): number {
      return RealDate.now() + ms;
    }
  }
  globalThis.Date = ShiftedDate as DateConstructor;
  return () => {
    globalThis.Date = RealDate;
  };
}
