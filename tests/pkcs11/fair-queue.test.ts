import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { FairQueue } from "../../src/pkcs11/fair-queue.ts";

const [alice, bob, carol] = [{}, {}, {}];

function drain<T>(queue: FairQueue<T>): T[] {
  const taken: T[] = [];
  while (queue.size > 0) taken.push(queue.take() as T);
  return taken;
}

describe("FairQueue", () => {
  test("takes the owners in turn, and each one's items in their order", () => {
    const queue = new FairQueue<string>();
    for (const item of ["a1", "a2", "a3", "a4"]) queue.add(alice, item);
    queue.add(bob, "b1");
    queue.add(carol, "c1");
    queue.add(carol, "c2");
    expect(drain(queue)).toEqual(["a1", "b1", "c1", "a2", "c2", "a3", "a4"]);
    expect(queue.take()).toBeUndefined();
  });

  test("an item that was deleted is not taken, and deleting it again changes nothing", () => {
    const queue = new FairQueue<string>();
    for (const item of ["a1", "a2"]) queue.add(alice, item);
    queue.delete(alice, "a1");
    queue.delete(alice, "a1");
    queue.delete(bob, "a2");
    expect(queue.size).toBe(1);
    expect(drain(queue)).toEqual(["a2"]);
  });

  test("an owner whose last item was deleted has no turn, and comes after the others again", () => {
    const queue = new FairQueue<string>();
    queue.add(alice, "a1");
    for (const item of ["b1", "b2"]) queue.add(bob, item);
    queue.delete(alice, "a1");
    queue.add(alice, "a2");
    expect(drain(queue)).toEqual(["b1", "a2", "b2"]);
  });

  test("loses and doubles nothing, and nobody waits for more than one item of each other owner", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 60 }), (arrivals) => {
        const owners = [{}, {}, {}, {}, {}];
        const queue = new FairQueue<{ owner: number }>();
        const items = arrivals.map((owner) => ({ owner }));
        for (const item of items) queue.add(owners[item.owner] as object, item);
        const taken = drain(queue);
        expect(new Set(taken)).toEqual(new Set(items));
        expect(taken).toHaveLength(items.length);
        for (const owner of owners.keys()) {
          const own = taken.filter((item) => item.owner === owner);
          expect(own).toEqual(items.filter((item) => item.owner === owner));
          const last = own.at(-1);
          const before = taken.slice(0, last ? taken.indexOf(last) : 0);
          for (const other of owners.keys()) {
            const others = before.filter((item) => item.owner === other).length;
            expect(others).toBeLessThanOrEqual(own.length);
          }
        }
      }),
    );
  });
});
