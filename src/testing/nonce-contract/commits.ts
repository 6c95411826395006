import { expect } from "../contract/expectation.ts";
import { commitOf, committed, expectSame, openStates, type StoreRequirement } from "./requirement.ts";

/** Which transaction gets a nonce. */
export const commits: Readonly<Record<string, StoreRequirement>> = {
  "an account without records is empty, and its next nonce is 0": async ({ store, account }) => {
    const { next, settled, open, record, turn, now } = await store.read(account);
    expectSame([next, settled, open, record ?? null, turn ?? null], [0, 0, [], null, null], "the view");
    expect(Number.isFinite(now) && now > 1_700_000_000_000, "now must be milliseconds since 1970");
  },

  "a commit is a record that every store of the data reads": async (context) => {
    const entry = commitOf(7, 0, "key");
    const record = await committed(context, entry);
    const { id, nonce, state, version, attempts, key, intent, minedHash, usedAt } = record;
    expectSame([id, nonce, state, version, key, intent], [entry.hash, 7, "signed", 1, "key", "intent 0"], "the record");
    expectSame([minedHash, usedAt], [null, null], "minedHash and usedAt");
    expectSame(attempts, [{ hash: entry.hash, raw: entry.raw, outcome: "unknown" }], "attempts");
    const view = await context.other.read(context.account, { key: "key" });
    expect(view.record?.id === id && view.open[0]?.id === id, "another store must read the record");
    expectSame([view.next, view.settled], [8, 0], "next and settled");
    expect(Math.abs(view.now - record.createdAt) < 60_000, "createdAt must be of the store's clock");
    const byId = await context.other.read(context.account, { id });
    expect(byId.record?.key === "key", "the record must be found by its id");
  },

  "accounts do not share nonces: neither chains nor addresses; an address is the same however it is written": async (
    context,
  ) => {
    const { store, account } = context;
    await committed(context, commitOf(0, 0));
    const onOther = await store.commit({ ...account, chainId: 2n }, commitOf(0, 1));
    expect(onOther.outcome === "committed", "another chain's nonce 0 must be free");
    const upper = { ...account, address: `0x${account.address.slice(2).toUpperCase()}` };
    const same = await store.commit(upper, commitOf(0, 2));
    expect(same.outcome === "taken", "an address in upper case must be the same account");
  },

  "the same commit again is committed, and changes nothing": async (context) => {
    const first = await committed(context, commitOf(0, 0, "key"));
    const again = await context.other.commit(context.account, commitOf(0, 0, "key"));
    expect(again.outcome === "committed", `the same commit must be committed, not ${again.outcome}`);
    expectSame(again.record.version, first.version, "the version");
    expectSame(openStates(await context.store.read(context.account)), ["0 signed"], "the records");
  },

  "a nonce that another transaction has is taken": async (context) => {
    await committed(context, commitOf(0, 0));
    const result = await context.other.commit(context.account, commitOf(0, 1));
    expectSame(result.outcome, "taken", "the outcome");
  },

  "a key that another transaction has is a duplicate: its record": async (context) => {
    await committed(context, commitOf(0, 0, "key"));
    const result = await context.other.commit(context.account, commitOf(1, 1, "key"));
    expect(result.outcome === "duplicate", `the outcome must be duplicate, not ${result.outcome}`);
    expectSame(result.record.nonce, 0, "the record's nonce");
  },

  "of many commits of one nonce at once, one is committed": async (context) => {
    const { store, other, account } = context;
    const racers = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? store : other).commit(account, commitOf(0, index)),
    );
    const outcomes = (await Promise.all(racers)).map(({ outcome }) => outcome);
    expectSame(outcomes.filter((outcome) => outcome === "committed").length, 1, "the number of commits");
    expectSame(outcomes.filter((outcome) => outcome === "taken").length, 19, "the number of those that are taken");
  },

  "of many commits of one key at once, one is committed, and the others get its record": async (context) => {
    const { store, other, account } = context;
    const racers = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? store : other).commit(account, commitOf(index, index, "key")),
    );
    const results = await Promise.all(racers);
    const ids = results.map((result) => (result.outcome === "taken" ? "taken" : result.record.id));
    expectSame(new Set(ids).size, 1, "the number of records");
    expectSame(results.filter(({ outcome }) => outcome === "committed").length, 1, "the number of commits");
  },
};
