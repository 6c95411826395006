import { expect } from "../contract/expectation.ts";
import { expectSame, type StoreRequirement } from "./requirement.ts";

/** Who is to sign next. */
export const turns: Readonly<Record<string, StoreRequirement>> = {
  "a turn has one owner, who can renew it and give it back": async ({ store, other, account }) => {
    expect(await store.turn(account, "one", 60_000), "a free turn must be given");
    expect(!(await other.turn(account, "two", 60_000)), "a turn must not be given twice");
    expect(await store.turn(account, "one", 60_000), "its owner must be able to renew it");
    const { turn, now } = await other.read(account);
    expect(turn?.owner === "one" && turn.until > now, "the view must have the turn");
    await store.turn(account, "one", 0);
    expectSame((await other.read(account)).turn ?? null, null, "the turn that was given back");
    expect(await other.turn(account, "two", 60_000), "a turn that was given back must be free");
  },

  "a turn ends by the store's clock": async ({ store, other, account }) => {
    await store.turn(account, "one", 1);
    for (let tries = 0; !(await other.turn(account, "two", 60_000)); tries += 1) {
      expect(tries < 5_000, "a turn of 1 ms must end");
    }
    expectSame((await store.read(account)).turn?.owner, "two", "the owner");
  },
};
