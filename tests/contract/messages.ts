import { expect, test } from "@jest/globals";
import type { Signer } from "ethers";
import { getBytes, hashMessage, recoverAddress, toUtf8Bytes, verifyMessage } from "ethers";
import { expectSameFailure, expectSerialized } from "./compare.ts";
import type { Context } from "./context.ts";

/** EIP-191 messages. */
export function describeMessages(context: Context): void {
  test.each<[string, string | Uint8Array]>([
    ["a string", "hello"],
    ["an empty string", ""],
    ["a string beyond ASCII", "Grüße, 世界 🔑"],
    ["a long string", "0123456789".repeat(1000)],
    ["a string with a NUL", "a\0b"],
    ["bytes", getBytes("0x00ff10")],
    ["no bytes", new Uint8Array(0)],
    ["32 bytes, which are no digest", getBytes(hashMessage("x"))],
  ])("%s", async (_name, message) => {
    const { offline, address } = context();
    const signature = expectSerialized(await offline.signer.signMessage(message));
    expectSerialized(await offline.wallet.signMessage(message));
    expect(verifyMessage(message, signature)).toBe(address);
    expect(recoverAddress(hashMessage(message), signature)).toBe(address);
  });

  test("a string that looks like hex is text, not bytes", async () => {
    const { offline, address } = context();
    for (const signer of [offline.signer, offline.wallet]) {
      const signature = await signer.signMessage("0x1234");
      expect(verifyMessage("0x1234", signature)).toBe(address);
      expect(verifyMessage(toUtf8Bytes("0x1234"), signature)).toBe(address);
      expect(verifyMessage(getBytes("0x1234"), signature)).not.toBe(address);
    }
  });

  test("the message is read at the call: what the caller changes afterwards is not signed", async () => {
    const { offline, address } = context();
    for (const signer of [offline.signer, offline.wallet]) {
      const message = new Uint8Array([1, 2, 3]);
      const signing = signer.signMessage(message);
      message.fill(9);
      expect(verifyMessage(new Uint8Array([1, 2, 3]), await signing)).toBe(address);
    }
  });

  test.each<[string, unknown]>([
    ["a number", 5],
    ["an object", { message: "hello" }],
    ["an array of numbers", [1, 2, 3]],
    ["a promise", Promise.resolve("hello")],
  ])("%s is refused", async (_name, message) => {
    await expectSameFailure(context().offline, (signer) => signer.signMessage(message as string), {
      name: "TypeError",
      code: "INVALID_ARGUMENT",
      shortMessage: "invalid BytesLike value",
      argument: "value",
    });
  });

  test.each([null, undefined])("%s is refused", async (message) => {
    const sign = (signer: Signer) => signer.signMessage(message as unknown as string);
    await expectSameFailure(context().offline, sign, { name: "TypeError" });
  });

  test("half of a surrogate pair is refused", async () => {
    await expectSameFailure(context().offline, (signer) => signer.signMessage("\ud800"), {
      code: "INVALID_ARGUMENT",
      shortMessage: "invalid surrogate pair",
      argument: "str",
    });
  });
}
