import { describe, expect, test } from "@jest/globals";
import { ObjectGate } from "../../src/pkcs11/object-gate.ts";

type Kind = "search" | "change";

// Calls of a gate that end when the test says so, and the order in which they began.
function scene() {
  const gate = new ObjectGate();
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const enter = (kind: Kind, name: string, signal?: AbortSignal) =>
    gate.run(
      kind,
      () => {
        begun.push(name);
        return new Promise<void>((resolve) => ends.set(name, resolve));
      },
      signal,
    );
  const end = async (name: string) => {
    ends.get(name)?.();
    await settle();
  };
  return { gate, begun, enter, end };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("ObjectGate", () => {
  test.each<[Kind, Kind]>([
    ["search", "change"],
    ["change", "search"],
  ])("several of kind %s run at once; those of kind %s wait for them all", async (kind, other) => {
    const { begun, enter, end } = scene();
    void enter(kind, "a");
    void enter(kind, "b");
    void enter(other, "c");
    await settle();
    expect(begun).toEqual(["a", "b"]);
    await end("a");
    expect(begun).toEqual(["a", "b"]);
    await end("b");
    expect(begun).toEqual(["a", "b", "c"]);
  });

  test("who comes after one that waits for the other kind waits too: no kind starves", async () => {
    const { begun, enter, end } = scene();
    void enter("change", "change 1");
    void enter("search", "search 1");
    void enter("change", "change 2");
    void enter("search", "search 2");
    await settle();
    expect(begun).toEqual(["change 1"]);
    await end("change 1");
    expect(begun).toEqual(["change 1", "search 1", "search 2"]);
    void enter("search", "search 3");
    await end("search 1");
    await end("search 2");
    expect(begun).toEqual(["change 1", "search 1", "search 2", "change 2"]);
    await end("change 2");
    expect(begun.at(-1)).toBe("search 3");
  });

  test("a call that fails lets the next ones in", async () => {
    const { gate, begun, enter } = scene();
    const failing = gate.run("change", async () => {
      throw new Error("refused");
    });
    void enter("search", "search");
    await expect(failing).rejects.toThrow("refused");
    await settle();
    expect(begun).toEqual(["search"]);
  });

  test("an abort ends the wait, and what waited for that one only goes on", async () => {
    const { begun, enter, end } = scene();
    const controller = new AbortController();
    const reason = new Error("no longer wanted");
    void enter("change", "hangs");
    const waiting = enter("search", "search", controller.signal);
    void enter("change", "change");
    await settle();
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await settle();
    expect(begun).toEqual(["hangs", "change"]);
    await expect(enter("search", "late", controller.signal)).rejects.toBe(reason);
    await end("hangs");
    await end("change");
    void enter("search", "last");
    expect(begun).toEqual(["hangs", "change", "last"]);
  });
});
