import { describe, expect, test } from "@jest/globals";
import { Tables } from "../../src/core/tables.ts";
import { Point, times } from "./reference.ts";

const generator = Point.BASE.toAffine();
const publicKey = (key: bigint) => times(key).toBytes(false);

describe("Tables", () => {
  test("makes none for the first sums, and the generator's in the course of the next ones", () => {
    const tables = new Tables(generator);
    for (let sum = 0; sum < 32; sum += 1) expect(tables.generator()).toBeUndefined();
    let sums = 0;
    while (!tables.generator()) sums += 1;
    // One slice would not do: 1,024 points take longer than a slice.
    expect(sums).toBeGreaterThan(0);
    const made = tables.generator();
    expect(made?.points).toHaveLength(4 * 256 * 33);
    // And that is all: however many sums follow, it is not made again.
    for (let sum = 0; sum < 300; sum += 1) expect(tables.generator()).toBe(made);
  });

  test("makes a key's table once for equal bytes, and never for other ones", () => {
    const tables = new Tables(generator);
    let made = 0;
    const tableOf = (key: bigint, bytes = publicKey(key)) =>
      tables.key(bytes, () => {
        made += 1;
        return times(key).toAffine();
      });
    const first = tableOf(5n);
    expect(tableOf(5n)).toBe(first);
    expect(made).toBe(1);
    expect(tableOf(6n)).not.toBe(first);
    // The opposite key differs in y alone.
    expect(tableOf(-5n)).not.toBe(first);
    expect(made).toBe(3);
    const bytes = publicKey(5n);
    bytes[64] = (bytes[64] as number) ^ 1;
    expect(() =>
      tables.key(bytes, () => {
        throw new Error("not on the curve");
      }),
    ).toThrow("not on the curve");
    expect(tableOf(5n)).toBe(first);
  });

  test("keeps 256 of them: the one that was used least recently goes", () => {
    const tables = new Tables(generator);
    const made: bigint[] = [];
    const use = (key: bigint) =>
      tables.key(Uint8Array.of(Number(key >> 8n), Number(key & 255n)), () => {
        made.push(key);
        return times(key).toAffine();
      });
    for (let key = 1n; key <= 256n; key += 1n) use(key);
    use(1n);
    expect(made).toHaveLength(256);
    use(257n);
    use(1n);
    use(257n);
    expect(made).toHaveLength(257);
    use(2n);
    expect(made.at(-1)).toBe(2n);
  });
});
