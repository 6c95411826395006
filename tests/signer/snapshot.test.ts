import { describe, expect, it } from "@jest/globals";
import { Signature } from "ethers";
import { snapshot } from "../../src/signer/snapshot.ts";

describe("a snapshot of what a caller passed", () => {
  it("shares no array, object or bytes with it", () => {
    const value = { a: [1n, { b: "text" }], bytes: Uint8Array.of(1, 2), nothing: null, none: undefined };
    const copy = snapshot(value, "value");
    expect(copy).toEqual(value);
    value.a.push(2n);
    (value.a[1] as { b: string }).b = "other";
    value.bytes[0] = 9;
    expect(copy).toEqual({ a: [1n, { b: "text" }], bytes: Uint8Array.of(1, 2), nothing: null, none: undefined });
  });

  it("reads each getter, proxied property and element once", () => {
    const reads: string[] = [];
    const get = (target: object, key: string | symbol) => {
      reads.push(String(key));
      return Reflect.get(target, key);
    };
    const object = new Proxy({ x: 1, list: [2] }, { get });
    const list = [0, 1];
    Object.defineProperty(list, 1, { get: () => reads.push("element"), enumerable: true });
    expect(snapshot({ object, list }, "value")).toEqual({ object: { x: 1, list: [2] }, list: [0, expect.any(Number)] });
    expect(reads.filter((key) => key !== "then" && key !== "getAddress")).toEqual(["x", "list", "element"]);
  });

  it("copies the bytes in memory, whatever a subclass says of its length", () => {
    class Lying extends Uint8Array {
      override get length() {
        return 1;
      }
    }
    const copy = snapshot(new Lying([1, 2, 3]), "value");
    expect(Object.getPrototypeOf(copy)).toBe(Uint8Array.prototype);
    expect([...copy]).toEqual([1, 2, 3]);
  });

  it("keeps what a class's getters say", () => {
    const signature = Signature.from({ r: `0x${"11".repeat(32)}`, s: `0x${"22".repeat(32)}`, yParity: 1 });
    const copy = snapshot(signature, "value");
    expect(copy).not.toBeInstanceOf(Signature);
    expect(Signature.from(copy).serialized).toBe(signature.serialized);
  });

  it("keeps functions, promises and Addressables, which are read where they are used", () => {
    const value = { to: Promise.resolve("0x"), from: { getAddress: async () => "0x" }, kzg: { run: () => 1 } };
    const copy = snapshot(value, "value");
    expect(copy.to).toBe(value.to);
    expect(copy.from).toBe(value.from);
    expect(copy.kzg).not.toBe(value.kzg);
    expect(copy.kzg.run).toBe(value.kzg.run);
  });

  it("refuses circles, more than 100 levels, and values that unfold to more than 100,000", () => {
    const circle: unknown[] = [];
    circle.push(circle);
    let doubled: unknown = 1;
    for (let level = 0; level < 20; level++) doubled = [doubled, doubled];
    for (const value of [circle, doubled, new Array(2 ** 32 - 1)]) {
      expect(() => snapshot(value, "value")).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "value" }),
      );
    }
  });
});
