import { expect, test } from "@jest/globals";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { HostileKey, hostileAnswers } from "../support/hostile/index.ts";
import { RecordingChain } from "./chain.ts";
import { doors } from "./doors.ts";
import { ADDRESS, describeEveryDoor, PRIVATE_KEY } from "./every-door.ts";

describeEveryDoor(hostileAnswers.filter(({ call }) => call === "getPublicKey"));

test("a good key passes every door first, so that no refusal is the door's own", async () => {
  for (const door of doors) {
    const key = new HostileKey(PRIVATE_KEY);
    const chain = new RecordingChain();
    const use = door.open(new RemoteSigner(key, null, { expectedAddress: ADDRESS }), chain, ADDRESS);
    for (const number of [1, 2, 3]) expect(await use(number)).toBe(ADDRESS);
    expect(key.calls).toEqual({ getPublicKey: 1, signDigest: 3 });
    expect(chain.sent).toHaveLength(door.sends ? 3 : 0);
  }
});
