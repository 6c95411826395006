import { describe, expect, test } from "@jest/globals";
import { computeAddress, getBytes, id, parseEther, recoverAddress } from "ethers";
import { TestKey } from "ethers-hsm/testing";
import { createProvider } from "../../src/eip1193/index.ts";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { gate, rejection } from "../signer/rejection.ts";
import { startAnvil } from "../support/anvil.ts";
import { type Behaviour, beyondOrder, HostileKey, hostileAnswers } from "../support/hostile/index.ts";
import { RecordingChain } from "./chain.ts";
import { doors } from "./doors.ts";
import { outcomeOf } from "./outcome.ts";

const PRIVATE_KEY = id("the account of the hostile sequences");
const ADDRESS = computeAddress(PRIVATE_KEY);
const DIGEST = getBytes(id("a digest"));
const OTHER_KEY = new TestKey(id("another key"));

const everyDoor = doors.map((door) => [door.name, door] as const);

/** Holds the answers back until there are two, and gives each caller the other's. */
function crossing(honest: TestKey): Behaviour {
  const waiting: { digest: Uint8Array; answer: (signature: unknown) => void }[] = [];
  return {
    signDigest: (digest) =>
      new Promise((resolve) => {
        waiting.push({ digest, answer: resolve });
        const [first, second] = waiting;
        if (!first || !second) return;
        first.answer(honest.sign(second.digest));
        second.answer(honest.sign(first.digest));
        waiting.length = 0;
      }),
  };
}

describe("answers that come to the wrong caller", () => {
  // What sends to a node signs one transaction at a time: there is nothing to mix up.
  const parallel = everyDoor.filter(([, { name }]) => name !== "EIP-1193's eth_sendTransaction");

  test.each(parallel)("%s: both are refused, and nothing is sent", async (_name, door) => {
    const key = new HostileKey(PRIVATE_KEY);
    const chain = new RecordingChain();
    const use = door.open(new RemoteSigner(key, null, { expectedAddress: ADDRESS }), chain, ADDRESS);
    key.turn(crossing(key.honest));
    expect(await Promise.all([outcomeOf(use(1)), outcomeOf(use(2))])).toEqual(Array(2).fill("SIGNATURE_MISMATCH"));
    expect(chain.sent).toEqual([]);
    key.recover();
    expect(await use(3)).toBe(ADDRESS);
  });
});

describe("the same answer twice", () => {
  test.each(everyDoor)("%s: right for the same content, refused for any other", async (_name, door) => {
    const key = new HostileKey(PRIVATE_KEY);
    const chain = new RecordingChain();
    const use = door.open(new RemoteSigner(key, null, { expectedAddress: ADDRESS }), chain, ADDRESS);
    let first: unknown;
    key.turn({
      signDigest(digest) {
        first ??= key.honest.sign(digest);
        return first;
      },
    });
    expect(await use(1)).toBe(ADDRESS);
    // A second transaction has the next nonce, so its content is another.
    if (!door.sends) expect(await use(1)).toBe(ADDRESS);
    expect(await outcomeOf(use(2))).toBe("SIGNATURE_MISMATCH");
    expect(chain.sent).toHaveLength(door.sends ? 1 : 0);
    key.recover();
    expect(await use(2)).toBe(ADDRESS);
  });
});

describe("a signature whose R has x >= n, by a key that was made for it", () => {
  test.each(everyDoor)("%s: refused", async (_name, door) => {
    // Which digest this door asks for, an honest key tells first: it does not depend on the account.
    const rehearsal = new HostileKey(PRIVATE_KEY);
    const digests: Uint8Array[] = [];
    rehearsal.turn({
      signDigest(digest) {
        digests.push(digest.slice());
        return rehearsal.honest.sign(digest);
      },
    });
    await door.open(new RemoteSigner(rehearsal), new RecordingChain(), ADDRESS)(1);
    const { publicKey, signature } = beyondOrder(digests[0] ?? "0x");
    const account = computeAddress(`0x${Buffer.from(publicKey).toString("hex")}`);

    const key = new HostileKey(PRIVATE_KEY);
    const asked: string[] = [];
    key.turn({
      getPublicKey: () => publicKey,
      signDigest(digest) {
        asked.push(Buffer.from(digest).toString("hex"));
        return signature;
      },
    });
    const chain = new RecordingChain();
    const use = door.open(new RemoteSigner(key, null, { expectedAddress: account }), chain, account);
    expect(await outcomeOf(use(1))).toBe("BACKEND_RESPONSE_INVALID");
    expect(asked).toEqual([Buffer.from(digests[0] ?? []).toString("hex")]);
    expect(chain.sent).toEqual([]);
  });
});

describe("without expectedAddress", () => {
  test.each(everyDoor)("%s: another key's identity gives no signature of this one", async (name, door) => {
    const key = new HostileKey(PRIVATE_KEY);
    const chain = new RecordingChain();
    key.turn({ getPublicKey: () => OTHER_KEY.publicKey });
    const account = name.startsWith("EIP-1193") ? OTHER_KEY.address : ADDRESS;
    const use = door.open(new RemoteSigner(key), chain, account);
    expect(await outcomeOf(use(1))).toBe("SIGNATURE_MISMATCH");
    expect(chain.sent).toEqual([]);
  });
});

describe("an answer that comes after the caller gave up", () => {
  test.each([
    ["another key's signature", (digest: Uint8Array) => OTHER_KEY.sign(digest)],
    ["no signature", () => null],
    ["a failure", () => Promise.reject(new Error("too late"))],
  ])("%s: the caller has the signal's reason, and the next call its own answer", async (_name, late) => {
    const key = new HostileKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key, null, { expectedAddress: ADDRESS });
    await signer.getAddress();
    const { opened, open } = gate();
    key.turn({ signDigest: (digest) => opened.then(() => late(digest)) });
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = rejection(signer.signDigest(DIGEST, { signal: controller.signal }));
    const patient = outcomeOf(signer.signDigest(DIGEST).then((signature) => recoverAddress(DIGEST, signature)));
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    key.recover();
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(ADDRESS);
    open();
    expect(["SIGNATURE_MISMATCH", "BACKEND_RESPONSE_INVALID", "BACKEND_UNAVAILABLE"]).toContain(await patient);
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(ADDRESS);
  });
});

describe("a hostile replica of a failover", () => {
  const answers = hostileAnswers.filter(({ expected }) => expected !== "BACKEND_TIMEOUT");

  test.each(answers.map((answer) => [answer.call, answer.name, answer] as const))(
    "%s answers: %s; the honest one signs",
    async (_call, _name, answer) => {
      const hostile = new HostileKey(PRIVATE_KEY);
      hostile.turn(answer);
      const key = new FailoverKey([hostile, new TestKey(PRIVATE_KEY)], { expectedAddress: ADDRESS });
      const signer = new RemoteSigner(key);
      for (const text of ["one", "two"]) {
        expect(recoverAddress(id(text), await signer.signDigest(id(text)))).toBe(ADDRESS);
      }
      await signer.close();
    },
  );
});

test("on a real node nothing of a hostile key arrives, and the account goes on from the same nonce", async () => {
  const anvil = await startAnvil();
  try {
    const chain = anvil.provider();
    const key = new HostileKey(PRIVATE_KEY);
    await anvil.fund(ADDRESS, parseEther("10"));
    const signer = new RemoteSigner(key, chain, { expectedAddress: ADDRESS });
    const provider = createProvider({ accounts: [signer], provider: chain });
    const request = { method: "eth_sendTransaction", params: [{ from: ADDRESS, to: OTHER_KEY.address, value: "0x2" }] };
    const refused = hostileAnswers.filter(({ expected }) => expected === "SIGNATURE_MISMATCH");
    for (const answer of refused) {
      key.turn(answer);
      await expect(signer.sendTransaction({ to: OTHER_KEY.address, value: 1 })).rejects.toMatchObject({
        code: "SIGNATURE_MISMATCH",
      });
      await expect(provider.request(request)).rejects.toMatchObject({ data: { code: "SIGNATURE_MISMATCH" } });
    }
    expect(refused.length).toBeGreaterThan(15);
    expect(await chain.getBlockNumber()).toBe(0);
    expect((await chain.send("txpool_status", [])) as object).toMatchObject({ pending: "0x0", queued: "0x0" });
    key.recover();
    await provider.request(request);
    await (await signer.sendTransaction({ to: OTHER_KEY.address, value: 1 })).wait();
    expect(await chain.getTransactionCount(ADDRESS)).toBe(2);
    expect(await chain.getBalance(OTHER_KEY.address)).toBe(3n);
  } finally {
    await anvil.stop();
  }
});
