import { describe, expect, test } from "@jest/globals";
import { computeAddress, id } from "ethers";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type HostileAnswer, HostileKey } from "../support/hostile/index.ts";
import { RecordingChain } from "./chain.ts";
import { type Door, doors } from "./doors.ts";
import { outcomeOf } from "./outcome.ts";

export const PRIVATE_KEY = id("the account of the hostile-backend tests");
export const ADDRESS = computeAddress(PRIVATE_KEY);

/** Each answer against each door: the outcome, what was sent meanwhile, and the next good call. */
export function describeEveryDoor(answers: readonly HostileAnswer[]): void {
  const silent = ({ expected }: HostileAnswer) => expected === "BACKEND_TIMEOUT";
  describe("through every door", () => {
    test.each(answers.map((answer) => [answer.expected, answer.call, answer.name, answer] as const))(
      "%s, where %s answers: %s",
      async (_expected, _call, _name, answer) => expectAtEveryDoor(answer, silent(answer) ? 1_500 : 30_000),
    );
  });
}

/** What came of a call while the key was hostile, and of the next one, and how much was on the chain after each. */
async function tryDoor(door: Door, answer: HostileAnswer, timeout: number): Promise<readonly unknown[]> {
  const key = new HostileKey(PRIVATE_KEY);
  const signer = new RemoteSigner(key, null, { expectedAddress: ADDRESS, timeout });
  const chain = new RecordingChain();
  const use = door.open(signer, chain, ADDRESS);
  key.turn(answer);
  const during = [await outcomeOf(use(1)), chain.sent.length];
  key.recover();
  return [door.name, ...during, await outcomeOf(use(2)), chain.sent.length];
}

/** The refusal, and nothing on the chain; or the account's signature. Then a good call, sent once. */
function expected(door: Door, answer: HostileAnswer): readonly unknown[] {
  const accepted = answer.expected === "accepted";
  const sent = door.sends ? 1 : 0;
  return [door.name, accepted ? ADDRESS : answer.expected, accepted ? sent : 0, ADDRESS, accepted ? 2 * sent : sent];
}

async function expectAtEveryDoor(answer: HostileAnswer, timeout: number): Promise<void> {
  const outcomes = await Promise.all(doors.map((door) => tryDoor(door, answer, timeout)));
  expect(outcomes).toEqual(doors.map((door) => expected(door, answer)));
}
