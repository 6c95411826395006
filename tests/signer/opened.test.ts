import { describe, expect, test } from "@jest/globals";
import { SignerError } from "../../src/core/errors.ts";
import { opened } from "../../src/signer/opened.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { FaultyKey } from "../support/faulty-key.ts";
import { MemoryKey } from "../support/memory-key.ts";

const KEY = `0x${"11".repeat(32)}`;

describe("opened", () => {
  test("gives the signer with its public key known", async () => {
    const key = new MemoryKey(KEY);
    const signer = new RemoteSigner(key);
    expect(await opened(signer)).toBe(signer);
    await signer.getAddress();
    expect([key.publicKeyFetches, key.closings]).toEqual([1, 0]);
  });

  test("closes the signer whose public key cannot be had, and throws why", async () => {
    const key = new FaultyKey(KEY);
    key.onFetch = () => Promise.reject(new SignerError("KEY_NOT_FOUND", "no such key"));
    const signer = new RemoteSigner(key);
    await expect(opened(signer)).rejects.toMatchObject({ code: "KEY_NOT_FOUND" });
    await expect(signer.getAddress()).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
  });
});
