import { afterEach, beforeEach, jest } from "@jest/globals";

/**
 * In each test of the file, time passes only by {@link passTime}, so that no machine is too slow for a deadline. Sockets,
 * processes and promises are real.
 */
export function stopTime(): void {
  beforeEach(() => {
    jest.useFakeTimers({
      doNotFake: [
        "hrtime",
        "nextTick",
        "queueMicrotask",
        "setImmediate",
        "clearImmediate",
        "setInterval",
        "clearInterval",
      ],
    });
  });
  afterEach(() => {
    jest.useRealTimers();
  });
}

/** Lets so many milliseconds pass: every deadline and pause within them ends. */
export async function passTime(ms: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms);
}
