import { afterEach, beforeEach, jest } from "@jest/globals";
import { until } from "./until.ts";

const doNotFake = [
  ...(["hrtime", "nextTick", "queueMicrotask"] as const),
  ...(["setImmediate", "clearImmediate", "setInterval", "clearInterval"] as const),
];

/**
 * In each test of the file, time passes only by {@link passTime}, so that no machine is too slow for a deadline. Sockets,
 * processes and promises are real. Spies end with each test.
 */
export function stopTime(): void {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake });
  });
  afterEach(() => {
    // First, or a spy on a timer would put the fake one back afterwards.
    jest.restoreAllMocks();
    jest.useRealTimers();
  });
}

/**
 * Runs `call`, which hangs, in stopped time, and lets `ms` milliseconds pass when `isHanging` holds.
 *
 * @returns how the call ends.
 */
export async function hangFor<T>(ms: number, isHanging: () => boolean, call: () => Promise<T>): Promise<T> {
  jest.useFakeTimers({ doNotFake });
  try {
    const ending = call();
    ending.catch(() => undefined);
    await until(isHanging);
    await passTime(ms);
    return await ending;
  } finally {
    jest.useRealTimers();
  }
}

/** Lets so many milliseconds pass: every deadline and pause within them ends. */
export async function passTime(ms: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms);
}

/** In stopped time: lets the pauses between retries pass, slowly enough for the requests between them, until the call has ended. */
export async function quickly<T>(call: Promise<T>, step = 25): Promise<T> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  call.then(over, over);
  while (!isOver) {
    await new Promise<void>((resolve) => {
      // Timeouts stand still.
      const timer = setInterval(() => resolve(clearInterval(timer)), 2);
    });
    await passTime(step);
  }
  return call;
}
