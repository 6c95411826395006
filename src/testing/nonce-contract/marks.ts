import type { NonceRecord, NonceState } from "../../nonces/store.ts";
import { expect } from "../contract/expectation.ts";
import {
  commitOf,
  committed,
  expectSame,
  openStates,
  type StoreContext,
  type StoreRequirement,
} from "./requirement.ts";

/** How records change, and which nonces and keys become free. */
export const marks: Readonly<Record<string, StoreRequirement>> = {
  "mark changes what it says, and raises the version": async (context) => {
    const { store, other, account } = context;
    const { id, version, attempts } = await committed(context, commitOf(0, 0, "key"));
    const change = { state: "mined", attempts, minedHash: id, usedAt: 5 } as const;
    const marked = await store.mark(account, id, version, change);
    expectSame(marked?.version, version + 1, "the version");
    const { record, settled } = await other.read(account, { id });
    const found = [record?.state, record?.minedHash, record?.usedAt, record?.key, record?.intent, settled];
    expectSame(found, ["mined", id, 5, "key", "intent 0", 1], "the record");
  },

  "mark of another version changes nothing": async (context) => {
    const record = await committed(context, commitOf(0, 0));
    expect((await mark(context, record, "accepted")) !== undefined, "the version is right");
    expect((await mark(context, record, "vacant")) === undefined, "the version is not right any more");
    const unknown = await context.store.mark(context.account, commitOf(0, 9).hash, 1, record);
    expect(unknown === undefined, "a record that does not exist cannot be marked");
    expectSame(openStates(await context.store.read(context.account)), ["0 accepted"], "the records");
  },

  "of many marks at once, one changes the record": async (context) => {
    const record = await committed(context, commitOf(0, 0));
    const marked = await Promise.all(Array.from({ length: 10 }, () => mark(context, record, "accepted")));
    expectSame(marked.filter((each) => each !== undefined).length, 1, "the number of changes");
  },

  "a vacant nonce is free, and the next nonce falls only if it was the last": async (context) => {
    const { store, account } = context;
    const [first, second] = [await committed(context, commitOf(0, 0)), await committed(context, commitOf(1, 1))];
    await mark(context, first, "vacant");
    expectSame((await store.read(account)).next, 2, "next, with the first one vacant");
    await mark(context, second, "vacant");
    const view = await store.read(account);
    expectSame([view.next, ...openStates(view)], [0, "0 vacant", "1 vacant"], "the view, with both vacant");
    await committed(context, commitOf(0, 2));
    expectSame(
      openStates(await store.read(account)).filter((each) => each.startsWith("0 s")),
      ["0 signed"],
      "nonce 0",
    );
  },

  "a vacant record does not get its nonce back from another transaction": async (context) => {
    const first = await committed(context, commitOf(0, 0));
    const vacant = await mark(context, first, "vacant");
    await committed(context, commitOf(0, 1));
    if (!vacant) return expect(false, "the record must become vacant");
    expect((await mark(context, vacant, "signed")) === undefined, "another transaction has the nonce");
    const attempt = { hash: commitOf(0, 2).hash, raw: "0x02" };
    const added = await context.store.attempt(context.account, vacant.id, vacant.version, attempt);
    expect(added === undefined, "an attempt must not be added while another transaction has the nonce");
  },

  "a superseded record frees its key, and is not listed": async (context) => {
    const { store, account } = context;
    const first = await committed(context, commitOf(0, 0, "key"));
    await mark(context, first, "superseded");
    expectSame([(await store.read(account)).next, ...openStates(await store.read(account))], [0], "the view");
    expectSame((await store.read(account, { key: "key" })).record?.state, "superseded", "the key's record");
    const second = await committed(context, commitOf(1, 1, "key"));
    expectSame((await store.read(account, { key: "key" })).record?.id, second.id, "the key's latest record");
  },

  "a vacant record keeps its key": async (context) => {
    const first = await committed(context, commitOf(0, 0, "key"));
    await mark(context, first, "vacant");
    const result = await context.store.commit(context.account, commitOf(1, 1, "key"));
    expectSame(result.outcome, "duplicate", "the outcome");
  },

  "an attempt is added to the version that it was made for": async (context) => {
    const { store, other, account } = context;
    const { id, version } = await committed(context, commitOf(0, 0));
    const { hash, raw } = commitOf(0, 1);
    const added = await store.attempt(account, id, version, { hash, raw });
    expectSame(
      added?.attempts.map((each) => each.hash),
      [id, hash],
      "the attempts",
    );
    const again = await other.attempt(account, id, version, { hash: commitOf(0, 2).hash, raw });
    expect(again === undefined, "the version is not right any more");
    expectSame((await other.read(account, { id })).record?.attempts.length, 2, "the number of attempts");
  },

  "an attempt is not added to what was mined": async (context) => {
    const record = await committed(context, commitOf(0, 0));
    const mined = await mark(context, record, "mined");
    const { hash, raw } = commitOf(0, 1);
    const added = await context.store.attempt(context.account, record.id, mined?.version ?? 0, { hash, raw });
    expect(added === undefined, "a mined record must not get an attempt");
  },

  "mined records are listed to who asks for them, and count in any case": async (context) => {
    const { other, account } = context;
    await mark(context, await committed(context, commitOf(0, 0)), "mined");
    await committed(context, commitOf(1, 1));
    const view = await other.read(account);
    expectSame([view.next, view.settled, ...openStates(view)], [2, 1, "1 signed"], "the view");
    expectSame(
      openStates(await other.read(account, { mined: true })),
      ["0 mined", "1 signed"],
      "the view with mined ones",
    );
  },

  "final records are read by key, not listed, and forgotten when pruned; the highest nonce stays": async (context) => {
    const { store, other, account } = context;
    for (let nonce = 0; nonce < 3; nonce += 1) {
      await mark(context, await committed(context, commitOf(nonce, nonce, `key ${nonce}`)), "final");
    }
    const view = await other.read(account, { key: "key 0" });
    expectSame([view.next, view.settled, view.open, view.record?.state], [3, 3, [], "final"], "the view");
    expectSame(await store.prune(account, 3_600_000), 0, "the number of records that are older than an hour");
    expectSame(await store.prune(account, 0), 2, "the number of pruned records");
    expectSame((await other.read(account, { key: "key 0" })).record ?? null, null, "the pruned record");
    expectSame((await other.read(account, { key: "key 2" })).next, 3, "next");
    const again = await committed(context, commitOf(3, 9, "key 0"));
    expectSame(again.nonce, 3, "the nonce of a forgotten key");
  },
};

async function mark(
  { store, account }: StoreContext,
  record: NonceRecord,
  state: NonceState,
): Promise<NonceRecord | undefined> {
  return store.mark(account, record.id, record.version, { ...record, state });
}
