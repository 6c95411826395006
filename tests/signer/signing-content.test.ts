import { describe, expect, test } from "@jest/globals";
import {
  type Authorization,
  hashAuthorization,
  hashMessage,
  id,
  keccak256,
  parseEther,
  TypedDataEncoder,
  toUtf8Bytes,
  ZeroAddress,
} from "ethers";
import type { SignOptions } from "../../src/signer/remote-key.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import type { SigningContent } from "../../src/signer/signing-content.ts";
import { FaultyKey } from "../support/faulty-key.ts";

/** Remembers what it was told of each digest. */
class TellingKey extends FaultyKey {
  readonly told: { readonly digest: string; readonly content: SigningContent | undefined }[] = [];
  distrusted = 0;

  override async signDigest(digest: Uint8Array, options: SignOptions = {}) {
    this.told.push({ digest: `0x${Buffer.from(digest).toString("hex")}`, content: options.content });
    return super.signDigest(digest, options);
  }

  distrust(): void {
    this.distrusted += 1;
  }
}

const types = { Mail: [{ name: "to", type: "address" }] };

function digestOf(content: SigningContent | undefined): string {
  switch (content?.type) {
    case "transaction":
      return keccak256(content.unsigned);
    case "message":
      return hashMessage(content.message);
    case "typed-data":
      return TypedDataEncoder.hash(content.domain, content.types, content.value);
    case "authorization":
      return hashAuthorization(content);
    default:
      throw new Error("nothing was told");
  }
}

describe("a key learns what the digest was made of", () => {
  const transaction = { to: ZeroAddress, value: parseEther("1"), gasLimit: 21_000, chainId: 1, nonce: 0 };
  const authorization = { address: ZeroAddress, chainId: 1n, nonce: 7n };

  test.each<[string, (signer: RemoteSigner) => Promise<string | Authorization>]>([
    ["transaction", (signer) => signer.signTransaction({ ...transaction, type: 0, gasPrice: 1 })],
    ["transaction", (signer) => signer.signTransaction({ ...transaction, type: 2, maxFeePerGas: 1 })],
    ["message", (signer) => signer.signMessage("0x12 is text")],
    ["message", (signer) => signer.signMessage(toUtf8Bytes("bytes"))],
    ["typed-data", (signer) => signer.signTypedData({ name: "Mail" }, types, { to: ZeroAddress })],
    ["authorization", (signer) => signer.authorize(authorization)],
  ])("%s", async (type, sign) => {
    const key = new TellingKey(id("content"));
    await sign(new RemoteSigner(key));
    const [told] = key.told;
    expect(told?.content?.type).toBe(type);
    expect(digestOf(told?.content)).toBe(told?.digest);
  });

  test("a bare digest tells what the caller says, or nothing", async () => {
    const key = new TellingKey(id("content"));
    const signer = new RemoteSigner(key);
    const content = { type: "message", message: toUtf8Bytes("hello") } as const;
    await signer.signDigest(hashMessage("hello"), { content });
    await signer.signDigest(hashMessage("hello"));
    expect(key.told.map(({ content: told }) => told)).toEqual([content, undefined]);
  });
});

describe("a key whose answer is refused", () => {
  test("is told once for each, and not for its own failures", async () => {
    const key = new TellingKey(id("content"));
    const signer = new RemoteSigner(key);
    await signer.signMessage("right");
    key.onSign = async (honest) => honest.signDigest(new Uint8Array(32).fill(1));
    await expect(signer.signMessage("another digest")).rejects.toMatchObject({ code: "SIGNATURE_MISMATCH" });
    key.onSign = async () => ({ r: 0n, s: 1n });
    await expect(signer.signMessage("no signature")).rejects.toMatchObject({ code: "BACKEND_RESPONSE_INVALID" });
    expect(key.distrusted).toBe(2);
    key.onSign = () => Promise.reject(new Error("down"));
    await expect(signer.signMessage("failure")).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE" });
    expect(key.distrusted).toBe(2);
  });
});
