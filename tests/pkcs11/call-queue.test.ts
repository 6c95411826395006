import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { CallQueue, type PoolUser, type WaitingCall } from "../../src/pkcs11/call-queue.ts";

const [alice, bob, carol] = [{}, {}, {}];

/** A call, which its user's name tells from others. What it is answered is not of interest here. */
function add(queue: CallQueue, lane: object, name: string, signal?: AbortSignal): Promise<unknown> {
  const turn = queue.add(lane, { name } as unknown as PoolUser, signal);
  turn.catch(() => undefined);
  return turn;
}

function drain(queue: CallQueue): string[] {
  const taken: string[] = [];
  while (queue.size > 0) taken.push(((queue.take() as WaitingCall).user as unknown as { name: string }).name);
  return taken;
}

describe("CallQueue", () => {
  test("takes the lanes in turn, and each one's calls in their order", () => {
    const queue = new CallQueue();
    for (const name of ["a1", "a2", "a3", "a4"]) add(queue, alice, name);
    add(queue, bob, "b1");
    add(queue, carol, "c1");
    add(queue, carol, "c2");
    expect(drain(queue)).toEqual(["a1", "b1", "c1", "a2", "c2", "a3", "a4"]);
    expect(queue.take()).toBeUndefined();
  });

  test("a call whose signal aborts is rejected with the reason and not taken; after its turn the signal changes nothing", async () => {
    const queue = new CallQueue();
    const [first, second] = [new AbortController(), new AbortController()];
    const turn = add(queue, alice, "a1", first.signal);
    add(queue, alice, "a2", second.signal);
    first.abort("left");
    await expect(turn).rejects.toBe("left");
    expect(queue.size).toBe(1);
    expect(drain(queue)).toEqual(["a2"]);
    second.abort("late");
    expect(queue.size).toBe(0);
  });

  test("a lane whose last call has left has no turn, and comes after the others again", () => {
    const queue = new CallQueue();
    const left = new AbortController();
    add(queue, alice, "a1", left.signal);
    for (const name of ["b1", "b2"]) add(queue, bob, name);
    left.abort();
    add(queue, alice, "a2");
    expect(drain(queue)).toEqual(["b1", "a2", "b2"]);
  });

  test("all calls are rejected at once", async () => {
    const queue = new CallQueue();
    const turns = [add(queue, alice, "a1"), add(queue, alice, "a2"), add(queue, bob, "b1")];
    queue.rejectAll("ended");
    for (const turn of turns) await expect(turn).rejects.toBe("ended");
    expect(queue.size).toBe(0);
  });

  test("loses and doubles nothing, and no call waits for more than one call of each other lane", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 60 }), (arrivals) => {
        const lanes = [{}, {}, {}, {}, {}];
        const queue = new CallQueue();
        const names = arrivals.map((lane, index) => `${lane} ${index}`);
        for (const [index, lane] of arrivals.entries()) add(queue, lanes[lane] as object, names[index] as string);
        const taken = drain(queue);
        expect(taken.toSorted()).toEqual(names.toSorted());
        for (const lane of lanes.keys()) {
          const isOfLane = (other: number) => (name: string) => name.startsWith(`${other} `);
          const own = taken.filter(isOfLane(lane));
          expect(own).toEqual(names.filter(isOfLane(lane)));
          const last = own.at(-1);
          const before = taken.slice(0, last ? taken.indexOf(last) : 0);
          for (const other of lanes.keys()) {
            expect(before.filter(isOfLane(other)).length).toBeLessThanOrEqual(own.length);
          }
        }
      }),
    );
  });
});
