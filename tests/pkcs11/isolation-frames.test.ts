import { serialize } from "node:v8";
import { afterAll, afterEach, describe, expect, test } from "@jest/globals";
import { isSignerError } from "../../src/core/errors.ts";
import type { Child } from "../../src/pkcs11/isolation/child.ts";
import type { IsolatedMethod } from "../../src/pkcs11/isolation/messages.ts";
import { framed, HostileChildren } from "../support/hostile-child.ts";

const LONG = 60_000;
const MIB = 1024 * 1024;
const hostile = new HostileChildren();
let child: Child | undefined;

const json = (value: unknown) => framed(JSON.stringify(value));
const announced = (length: number) => Buffer.from(length.toString(16).padStart(8, "0"), "hex");
const answered = json({ id: 1, result: true });
const handle = "x0100000000000000";
const tokenInfo = { label: "t", manufacturer: "t", model: "t", serialNumber: "t", flags: 0, sessions: null };

/** How the call of that method ended: it must be with the error of a lost child, which is ended. */
async function lossOf(method: IsolatedMethod, lost: Child): Promise<string> {
  child = lost;
  const error = await lost.ask(method, []).then(
    (result) => ({ result }),
    (reason: unknown) => reason,
  );
  await lost.ended;
  expect(lost.isRunning).toBe(false);
  expect(error).toMatchObject({ code: "BACKEND_UNAVAILABLE", retryable: true, info: { returnValue: 0x190 } });
  return isSignerError(error) ? error.message : "";
}

afterEach(() => child?.end());
afterAll(() => hostile.remove());

describe("a child is ended by what it sends in place of a response", () => {
  test.each<[string, Uint8Array]>([
    ["null", json(null)],
    ["true", json(true)],
    ["a number", json(1)],
    ["a string", json("begin")],
    ["a list", json([1, true])],
    ["an object with nothing in it", json({})],
    ["a frame with nothing in it", announced(0)],
    ["4 zero bytes and more of them", Buffer.alloc(64)],
    ["a frame that is not JSON", framed("no")],
    ["half of a JSON text", framed('{"id":1,')],
    ["two JSON texts in one frame", framed('{"id":1,"result":true}{"id":1,"result":true}')],
    ["bytes that are not UTF-8", framed(Buffer.from("ff00c328", "hex"))],
    ["a value of Node's own serialization", framed(serialize({ id: 1, result: true }))],
    ["a message of Node's own channel", json({ cmd: "NODE_HANDLE_ACK" })],
    ["a line of text without a frame", Buffer.from("library: connection lost\n")],
    ["a frame one byte longer than the limit", announced(4 * MIB + 1)],
    ["a frame of 2 GB", announced(2 ** 31)],
    ["the longest frame that can be announced", announced(2 ** 32 - 1)],
    ["a million nested lists", framed(`${"[".repeat(MIB)}${"]".repeat(MIB)}`)],
    ["a million nested lists as the result", framed(`{"id":1,"result":${"[".repeat(MIB)}${"]".repeat(MIB)}}`)],
    ["4 MiB of one string", framed(`"${"x".repeat(4 * MIB - 2)}"`)],
    ["the id of a call that was not made", json({ id: 2, result: true })],
    ["the id 0", json({ id: 0, result: true })],
    ["a negative id", json({ id: -1, result: true })],
    ["half an id", json({ id: 0.5, result: true })],
    ["an infinite id", framed('{"id":1e999,"result":true}')],
    ["an id as a string", json({ id: "1", result: true })],
    ["an id that is null", json({ id: null, result: true })],
    ["a response without a result", json({ id: 1 })],
    ["a response with a result and an error", json({ id: 1, result: true, error: {} })],
    ["a response with more in it", json({ id: 1, result: true, more: true })],
    ["a response that sets a prototype", framed('{"__proto__":{"id":1},"result":true}')],
    ["an error that is null", json({ id: 1, error: null })],
    ["an error that is a string", json({ id: 1, error: "CKR_OK" })],
    ["an error without an operation", json({ id: 1, error: { message: "CKR_OK" } })],
    ["an error whose message is an object", json({ id: 1, error: { operation: "C_Sign", message: {} } })],
    ["an error whose code is a string", json({ id: 1, error: { operation: "C_Sign", message: "", code: "5" } })],
    ["an error with more in it", json({ id: 1, error: { operation: "C_Sign", message: "", pin: "1" } })],
    ["the name of what is not a function, as hung", json({ hung: "constructor" })],
    ["a number, as hung", json({ hung: 1 })],
    ["a long name, as hung", json({ hung: `C_${"x".repeat(MIB)}` })],
    ["a hung function that is null", json({ hung: null })],
    ["a hung function", json({ hung: "C_Sign" })],
  ])("%s", async (_name, bytes) => {
    const message = await lossOf("initialize", hostile.startSending(bytes, LONG));
    expect(message).toMatch(
      /^the process of the PKCS#11 library was ended, since .{5,120}; the next call starts it again$/,
    );
  });

  test.each<[IsolatedMethod, unknown]>([
    ["initialize", "ttrue"],
    ["initialize", 1],
    ["initialize", null],
    ["closeSession", true],
    ["openSession", null],
    ["openSession", "x01"],
    ["openSession", "x010000000000000000"],
    ["openSession", "0100000000000000"],
    ["openSession", "t0100000000000000"],
    ["openSession", "x01000000000000zz"],
    ["openSession", "x0100000000000 00"],
    ["openSession", [handle]],
    ["openSession", { type: "Buffer", data: [1, 0, 0, 0, 0, 0, 0, 0] }],
    ["getSlots", null],
    ["getSlots", { length: 1, 0: handle }],
    ["getSlots", [handle, null]],
    ["getSlots", handle],
    ["getSessionState", "t3"],
    ["getSessionState", -3],
    ["getSessionState", 0.5],
    ["getTokenInfo", null],
    ["getTokenInfo", []],
    ["getTokenInfo", { ...tokenInfo, label: undefined }],
    ["getTokenInfo", { ...tokenInfo, label: "unmarked" }],
    ["getTokenInfo", { ...tokenInfo, flags: "t0" }],
    ["getTokenInfo", { ...tokenInfo, sessions: -1 }],
    ["getTokenInfo", { ...tokenInfo, more: 1 }],
    ["getAttributes", ["x00", 0]],
    ["getAttributes", "x00"],
    ["generateKeyPair", { publicKey: handle }],
    ["sign", null],
    ["sign", "t00"],
    ["sign", "x0"],
    ["sign", [0, 1, 2]],
  ])("as the result of %s: %j", async (method, result) => {
    const message = await lossOf(method, hostile.startSending(json({ id: 1, result }), LONG));
    expect(message).toContain("was ended, since it sent something else where");
  });
});

describe("a child is ended", () => {
  test.each<[string, Uint8Array]>([
    ["a second response to the same call", answered],
    ["a function that hangs", json({ hung: "C_Sign" })],
    ["half a frame", answered.subarray(0, 10)],
    ["one byte", Buffer.alloc(1)],
  ])("by what comes while it is asked nothing: %s", async (_name, bytes) => {
    child = hostile.startSending(Buffer.concat([answered, bytes]), LONG);
    await expect(child.ask("initialize", [])).resolves.toBe(true);
    await child.ended;
    expect(child.isRunning).toBe(false);
    await expect(child.ask("getInfo", [])).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE" });
  });

  test.each<[string, Uint8Array, string, string]>([
    ["when half a frame comes, and the end", answered.subarray(0, 9), "exit 7", "ended with exit code 7"],
    ["when it closes its pipe", Buffer.alloc(0), "exec 4>&- sleep 600", "ended with SIGKILL"],
    ["when it writes where requests are read", Buffer.alloc(0), "echo no >&3; exec sleep 600", "ended with SIGKILL"],
    ["when it reports what it was not asked", Buffer.alloc(0), "printf 123456789 >&5; exec sleep 600", "sent reports"],
    ["when it sends half a report", Buffer.alloc(0), "printf 1 >&5; exec sleep 600", "sent reports"],
  ])("%s", async (_name, bytes, then, why) => {
    const started = hostile.startSending(Buffer.concat([answered, bytes]), 500, then);
    const answer = started.ask("initialize", []);
    const loss = lossOf("getInfo", started);
    await expect(answer).resolves.toBe(true);
    expect(await loss).toContain(why);
  });

  test.each<[string, string]>([
    ["while it is asked nothing", ""],
    ["in place of a response", "head -c 1 <&3 >/dev/null"],
  ])("by 700 MB that it sends %s, of which few are read", async (_name, before) => {
    child = hostile.start(`${before}\nhead -c 700000000 /dev/zero >&4 2>/dev/null; exec sleep 600`, LONG);
    const used = process.memoryUsage().rss;
    if (before) await expect(child.ask("initialize", [])).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE" });
    await child.ended;
    expect(process.memoryUsage().rss - used).toBeLessThan(64 * MIB);
  });
});
