import { tracingChannel } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { verifyMessage, Wallet } from "ethers";
import { SignerError } from "../../src/core/errors.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import type { CallEvent, CallObserver } from "../../src/telemetry/call-event.ts";
import { FaultyKey } from "../support/faulty-key.ts";
import { everythingIn } from "./everything-in.ts";

const SECRET = `0x${"5c".repeat(32)}`;
const ADDRESS = new Wallet(SECRET).address;
const DIGEST = `0x${"ab".repeat(32)}`;
const channel = tracingChannel<CallEvent, CallEvent>("ethers-hsm:call");

/** What each of the five channels had, in order. */
const published: { readonly name: string; readonly event: CallEvent; readonly text: string }[] = [];

function listener(name: string) {
  return (event: CallEvent) => void published.push({ name, event, text: everythingIn(event) });
}

const subscribers = {
  start: listener("start"),
  end: listener("end"),
  asyncStart: listener("asyncStart"),
  asyncEnd: listener("asyncEnd"),
  error: listener("error"),
};

beforeEach(() => channel.subscribe(subscribers));
afterEach(() => {
  channel.unsubscribe(subscribers);
  published.length = 0;
});

/** The channels that had an event of the operation, in order. */
function channelsOf(operation: string): string[] {
  return published.filter(({ event }) => event.operation === operation).map(({ name }) => name);
}

function textOfAll(): string {
  return published.map(({ text }) => text).join("\n");
}

describe("the channel ethers-hsm:call", () => {
  test("has start, end, asyncStart and asyncEnd of each operation that succeeds", async () => {
    const signer = new RemoteSigner(new FaultyKey(SECRET));
    expect(verifyMessage("hi", await signer.signMessage("hi"))).toBe(ADDRESS);
    await signer.verifyKey();
    await signer.close();
    for (const operation of ["public-key", "sign", "verify-key", "close"]) {
      expect(channelsOf(operation)).toEqual(["start", "end", "asyncStart", "asyncEnd"]);
    }
    const { event } = published.filter((each) => each.event.operation === "sign").at(-1) ?? {};
    expect(event).toEqual({
      ...{ backend: "faulty", operation: "sign", outcome: "ok", duration: expect.any(Number) },
      ...{ attempts: 0, queued: 0, requestIds: [], result: undefined },
    });
  });

  test("has the code of a failure, and nothing else of the error", async () => {
    const key = new FaultyKey(SECRET);
    const info = { planted: "PLANTED" };
    key.onSign = async () => {
      throw new SignerError("THROTTLED", "PLANTED", { info, cause: new Error("PLANTED") });
    };
    await expect(new RemoteSigner(key).signMessage("hi")).rejects.toMatchObject({ code: "THROTTLED", info });
    expect(channelsOf("sign")).toEqual(["start", "end", "error", "asyncStart", "asyncEnd"]);
    const ended = { outcome: "error", code: "THROTTLED", error: { message: "THROTTLED" } };
    expect(published.at(-1)?.event).toMatchObject(ended);
    expect(textOfAll()).not.toContain("PLANTED");
  });

  test("says that the caller aborted, without the reason", async () => {
    const key = new FaultyKey(SECRET);
    const controller = new AbortController();
    key.onSign = () => {
      setImmediate(() => controller.abort(new Error("PLANTED")));
      return new Promise(() => {});
    };
    const signing = new RemoteSigner(key).signDigest(DIGEST, { signal: controller.signal });
    await expect(signing).rejects.toThrow("PLANTED");
    expect(published.at(-1)?.event).toMatchObject({ operation: "sign", outcome: "aborted" });
    expect(textOfAll()).not.toContain("PLANTED");
  });

  test("holds neither digest, message, signature, address nor key, and observers get no more", async () => {
    const observed: string[] = [];
    const observer: CallObserver = {
      onStart: (event) => void observed.push(everythingIn(event)),
      onEnd: (event) => void observed.push(everythingIn(event)),
    };
    const signer = new RemoteSigner(new FaultyKey(SECRET), null, { observer });
    const signature = await signer.signMessage("a planted message");
    const { r, s } = await signer.signDigest(DIGEST);
    const text = `${textOfAll()}${observed.join()}`.toLowerCase();
    expect(observed).toHaveLength(6);
    const planted = [signature, signature.slice(64), r, s, DIGEST, SECRET, ADDRESS, await signer.getPublicKey()];
    for (const each of [...planted.map((hex) => hex.slice(2, 42)), "planted", signer.keyId]) {
      expect(text).not.toContain(each.toLowerCase());
    }
  });

  test("a subscriber that freezes the event costs no signature", async () => {
    const freeze = (event: object) => void Object.freeze(event);
    const freezing = { ...subscribers, start: freeze };
    channel.subscribe(freezing);
    const signature = await new RemoteSigner(new FaultyKey(SECRET)).signMessage("hi");
    channel.unsubscribe(freezing);
    expect(verifyMessage("hi", signature)).toBe(ADDRESS);
  });
});
