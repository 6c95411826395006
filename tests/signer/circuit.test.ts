import { describe, expect, test } from "@jest/globals";
import { Circuit } from "../../src/signer/circuit.ts";
import { Silence } from "../../src/signer/silence.ts";
import { controlClock } from "./failover-support.ts";

const clock = controlClock();

describe("a circuit", () => {
  const opened = () => {
    const circuit = new Circuit(100);
    expect(circuit.failed(circuit.enter())).toBe(true);
    return circuit;
  };

  test("lets everybody through until the first failure", () => {
    const circuit = new Circuit(100);
    expect([circuit.enter(), circuit.enter()].map(({ kind }) => kind)).toEqual(["normal", "normal"]);
    expect(circuit.succeeded(circuit.enter())).toBe(false);
    expect(circuit).toMatchObject({ ready: true, resting: false, failures: 0 });
  });

  test("rests for its time, then lets one caller probe", () => {
    const circuit = opened();
    expect(circuit).toMatchObject({ ready: false, resting: true, failures: 1 });
    clock.advance(99);
    expect(circuit.ready).toBe(false);
    clock.advance(1);
    expect(circuit.ready).toBe(true);
    const probe = circuit.enter();
    expect(probe.kind).toBe("probe");
    expect(circuit).toMatchObject({ ready: false, resting: true });
    expect(circuit.succeeded(probe)).toBe(true);
    expect(circuit).toMatchObject({ ready: true, resting: false, failures: 0 });
  });

  test("rests twice as long after each failed probe, eight times at most, and as before after a recovery", () => {
    const circuit = opened();
    for (const rest of [100, 200, 400, 800, 800, 800]) {
      clock.advance(rest - 1);
      expect(circuit.ready).toBe(false);
      clock.advance(1);
      expect(circuit.failed(circuit.enter())).toBe(true);
    }
    clock.advance(800);
    expect(circuit.succeeded(circuit.enter())).toBe(true);
    circuit.failed(circuit.enter());
    clock.advance(100);
    expect(circuit.ready).toBe(true);
  });

  test("takes failures of calls that ran together for one", () => {
    const circuit = new Circuit(100);
    const passages = Array.from({ length: 100 }, () => circuit.enter());
    expect(passages.filter((passage) => circuit.failed(passage))).toHaveLength(1);
    expect(circuit.failures).toBe(1);
  });

  test("does not close by an answer that was under way when it opened, nor open by a failure from before it closed", () => {
    const circuit = new Circuit(100);
    const [late, later, failing] = [circuit.enter(), circuit.enter(), circuit.enter()];
    circuit.failed(failing);
    expect(circuit.succeeded(late)).toBe(false);
    expect(circuit.resting).toBe(true);
    clock.advance(100);
    circuit.succeeded(circuit.enter());
    expect(circuit.failed(later)).toBe(false);
    expect(circuit.resting).toBe(false);
  });

  test("closes by a last resort that succeeds, and is not moved by one that fails", () => {
    const circuit = opened();
    const [failing, succeeding] = [circuit.enter(), circuit.enter()];
    expect(failing.kind).toBe("last-resort");
    expect(circuit.failed(failing)).toBe(false);
    clock.advance(100);
    expect(circuit.ready).toBe(true);
    expect(circuit.succeeded(succeeding)).toBe(true);
    expect(circuit.resting).toBe(false);
  });

  test("lets another probe where one was left without an outcome", () => {
    const circuit = opened();
    clock.advance(100);
    const probe = circuit.enter();
    expect(circuit.ready).toBe(false);
    circuit.left(probe);
    expect(circuit.enter().kind).toBe("probe");
  });
});

describe("a silence", () => {
  test("counts the time in which somebody waits, once, until an answer", () => {
    const silence = new Silence();
    silence.begin();
    clock.advance(10);
    silence.begin();
    clock.advance(10);
    silence.end();
    expect(silence.duration).toBe(20);
    silence.end();
    clock.advance(1000);
    expect(silence.duration).toBe(20);
    const began = silence.begin();
    clock.advance(5);
    expect(silence.duration).toBe(25);
    expect(silence.unbrokenSince(began)).toBe(true);
    silence.answered();
    expect(silence.unbrokenSince(began)).toBe(false);
    clock.advance(3);
    expect(silence.duration).toBe(3);
  });
});
