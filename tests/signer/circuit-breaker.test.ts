import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { CircuitBreaker } from "../../src/signer/circuit-breaker.ts";

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

const advance = (ms: number) => jest.advanceTimersByTime(ms);

describe("a circuit breaker", () => {
  const opened = () => {
    const breaker = new CircuitBreaker(100);
    expect(breaker.fail(breaker.acquire())).toBe(true);
    return breaker;
  };

  test("permits every call until the first failure, and has no timer", () => {
    const breaker = new CircuitBreaker(100);
    expect([breaker.acquire(), breaker.acquire()].map(({ kind }) => kind)).toEqual(["normal", "normal"]);
    expect(breaker.succeed(breaker.acquire())).toBe(false);
    expect(breaker).toMatchObject({ state: "closed", isReady: true, failures: 0 });
    breaker.fail(breaker.acquire());
    expect(jest.getTimerCount()).toBe(0);
  });

  test("is open for its time, then half-open: one call probes", () => {
    const breaker = opened();
    expect(breaker).toMatchObject({ state: "open", isReady: false, failures: 1 });
    advance(99);
    expect(breaker.state).toBe("open");
    advance(1);
    expect(breaker).toMatchObject({ state: "half-open", isReady: true });
    const probe = breaker.acquire();
    expect(probe.kind).toBe("probe");
    expect(breaker).toMatchObject({ state: "half-open", isReady: false });
    expect(breaker.acquire().kind).toBe("forced");
    expect(breaker.succeed(probe)).toBe(true);
    expect(breaker).toMatchObject({ state: "closed", isReady: true, failures: 0 });
  });

  test("is open twice as long after each failed probe, eight times at most, and as before after a recovery", () => {
    const breaker = opened();
    for (const time of [100, 200, 400, 800, 800, 800]) {
      advance(time - 1);
      expect(breaker.isReady).toBe(false);
      advance(1);
      expect(breaker.fail(breaker.acquire())).toBe(true);
    }
    expect(breaker.failures).toBe(7);
    advance(800);
    expect(breaker.succeed(breaker.acquire())).toBe(true);
    breaker.fail(breaker.acquire());
    advance(100);
    expect(breaker.isReady).toBe(true);
  });

  test("counts failures of calls that ran together as one", () => {
    const breaker = new CircuitBreaker(100);
    const permits = Array.from({ length: 100 }, () => breaker.acquire());
    expect(permits.filter((permit) => breaker.fail(permit))).toHaveLength(1);
    expect(breaker.failures).toBe(1);
  });

  test("is not closed by a response that was under way when it opened, nor opened by a failure from before it closed", () => {
    const breaker = new CircuitBreaker(100);
    const [late, later, failing] = [breaker.acquire(), breaker.acquire(), breaker.acquire()];
    breaker.fail(failing);
    expect(breaker.succeed(late)).toBe(false);
    expect(breaker.state).toBe("open");
    advance(100);
    breaker.succeed(breaker.acquire());
    expect(breaker.fail(later)).toBe(false);
    expect(breaker.state).toBe("closed");
  });

  test("is closed by a forced call that succeeds, and not moved by one that fails", () => {
    const breaker = opened();
    const [failing, succeeding] = [breaker.acquire(), breaker.acquire()];
    expect(failing.kind).toBe("forced");
    expect(breaker.fail(failing)).toBe(false);
    advance(100);
    expect(breaker.isReady).toBe(true);
    expect(breaker.succeed(succeeding)).toBe(true);
    expect(breaker.state).toBe("closed");
  });

  test("permits another probe if one was released without an outcome", () => {
    const breaker = opened();
    advance(100);
    const probe = breaker.acquire();
    expect(breaker.isReady).toBe(false);
    breaker.release(probe);
    expect(breaker.acquire().kind).toBe("probe");
  });
});
