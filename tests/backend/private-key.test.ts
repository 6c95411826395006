import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { getBytes, hexlify, id } from "ethers";
import { copyPrivateKey } from "../../src/backend/private-key.ts";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const KEY = id("planted");
const hex = (value: bigint) => `0x${value.toString(16).padStart(64, "0")}`;

describe("copyPrivateKey", () => {
  test("copies bytes and hex, in either case", () => {
    const bytes = getBytes(KEY);
    const copy = copyPrivateKey(bytes);
    expect(hexlify(copy)).toBe(KEY);
    copy.fill(0);
    expect(hexlify(bytes)).toBe(KEY);
    expect(hexlify(copyPrivateKey(Buffer.from(bytes)))).toBe(KEY);
    expect(hexlify(copyPrivateKey(`0x${KEY.slice(2).toUpperCase()}`))).toBe(KEY);
    expect(hexlify(copyPrivateKey(hex(1n)))).toBe(hex(1n));
    expect(hexlify(copyPrivateKey(hex(ORDER - 1n)))).toBe(hex(ORDER - 1n));
  });

  test.each<[string, unknown]>([
    ["zero", hex(0n)],
    ["n", hex(ORDER)],
    ["2^256 - 1", hex(2n ** 256n - 1n)],
    ["hex without 0x", KEY.slice(2)],
    ["31 bytes of hex", KEY.slice(0, -2)],
    ["33 bytes of hex", `${KEY}00`],
    ["a letter that is no digit", `${KEY.slice(0, -1)}g`],
    ["31 bytes", getBytes(KEY).slice(1)],
    ["33 bytes", Uint8Array.of(0, ...getBytes(KEY))],
    ["an array of numbers", [...getBytes(KEY)]],
    ["a bigint", BigInt(KEY)],
    ["nothing", undefined],
    ["null", null],
  ])("refuses %s without showing it", (_name, value) => {
    let error: unknown;
    try {
      copyPrivateKey(value as never);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "privateKey", value: "[REDACTED]" });
    expect(inspect(error, { depth: Infinity, showHidden: true }).toLowerCase()).not.toContain(KEY.slice(4, 40));
  });
});
