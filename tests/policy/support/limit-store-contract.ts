import { expect, test } from "@jest/globals";
import { MaxUint256 } from "ethers";
import type { LimitEntry, LimitStore } from "../../../src/policy/limit-store.ts";

let names = 0;

/** What every store of limits does. */
export function limitStoreContract(open: () => LimitStore): void {
  const limit = () => `["treasury","limit {${++names}}","native"]`;
  const entry = (id: string, more: Partial<LimitEntry> = {}): LimitEntry => {
    return { id, ref: "1:0xab:7", amount: 5n, at: 1_000, until: 2_000, ...more };
  };
  const sorted = (entries: readonly LimitEntry[]) => entries.toSorted((one, other) => (one.id < other.id ? -1 : 1));

  test("a limit that was never written is empty, and has the store's time", async () => {
    const { now, version, entries } = await open().read(limit());
    expect([version, entries]).toEqual([0, []]);
    expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
  });

  test("what is written is read by another connection, without a loss", async () => {
    const name = limit();
    const put = [
      entry("a", { amount: MaxUint256 }),
      entry("b", { amount: 0n, ref: 'it\'s "quoted"' }),
      entry("c", { at: 1.7e12, until: 2e12 }),
    ];
    expect(await open().write(name, 0, { put, remove: [] })).toBe(true);
    const view = await open().read(name);
    expect(sorted(view.entries)).toEqual(put);
    expect((await open().read(limit())).entries).toEqual([]);
  });

  test("entries are replaced and removed", async () => {
    const name = limit();
    await open().write(name, 0, { put: [entry("a"), entry("b"), entry("c")], remove: [] });
    const { version } = await open().read(name);
    const change = { put: [entry("a", { at: 1_500, until: 2_500 })], remove: ["b", "never there"] };
    expect(await open().write(name, version, change)).toBe(true);
    expect(sorted((await open().read(name)).entries)).toEqual([...change.put, entry("c")]);
  });

  test("of writes with one version, one succeeds", async () => {
    const name = limit();
    for (let round = 0; round < 3; round++) {
      const { version } = await open().read(name);
      const writes = Array.from({ length: 10 }, (_, index) =>
        open().write(name, version, { put: [entry(`${round} ${index}`)], remove: [] }),
      );
      expect((await Promise.all(writes)).filter(Boolean)).toHaveLength(1);
      expect((await open().read(name)).entries).toHaveLength(round + 1);
    }
    expect(await open().write(name, 0, { put: [], remove: [] })).toBe(false);
  });
}
