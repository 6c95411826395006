import { format, inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import {
  type Authorization,
  type AuthorizationRequest,
  hashAuthorization,
  hashMessage,
  id,
  JsonRpcProvider,
  keccak256,
  parseEther,
  recoverAddress,
  TypedDataEncoder,
  toUtf8Bytes,
  verifyAuthorization,
  verifyMessage,
  Wallet,
  ZeroAddress,
} from "ethers";
import { SignerError } from "../../src/core/errors.ts";
import type { SigningPayload } from "../../src/signer/payload.ts";
import type { KeyHealth, RemoteKey, SignOptions } from "../../src/signer/remote-key.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { FaultyKey, never } from "../support/faulty-key.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { rejection, signerError, turn } from "./rejection.ts";

const PRIVATE_KEY = id("remote-signer");
const { address, signingKey } = new Wallet(PRIVATE_KEY);
const SECRET = "planted-4711";

/** A careless backend, with a credential in plain sight. */
class CarelessKey extends MemoryKey {
  readonly pin = SECRET;
  readonly options = { pin: SECRET, nested: { token: SECRET } };
}

class VendorSigner extends RemoteSigner {}

/** Every way in which a log gets at an object. */
const views: [string, (signer: RemoteSigner) => string][] = [
  ["inspect", (signer) => inspect(signer)],
  ["inspect, hidden and deep", (signer) => inspect(signer, { showHidden: true, depth: null, getters: true })],
  ["inspect inside something else", (signer) => inspect({ list: [signer] }, { depth: null })],
  [
    "inspect without the signer's say",
    (signer) => inspect(signer, { customInspect: false, showHidden: true, depth: null }),
  ],
  ["format", (signer) => format("%o %O %s %j", signer, signer, signer, signer)],
  ["JSON", (signer) => JSON.stringify({ signer })],
  ["a string", (signer) => `${signer}`],
  ["a spread copy", (signer) => inspect({ ...signer }, { depth: null, showHidden: true })],
  [
    "its properties",
    (signer) =>
      Reflect.ownKeys(signer)
        .map((key) => inspect(Reflect.get(signer, key)))
        .join(),
  ],
];

/** Remembers the payload of each digest. */
class PayloadKey extends FaultyKey {
  readonly told: { readonly digest: string; readonly payload: SigningPayload | undefined }[] = [];
  invalidations = 0;

  override async signDigest(digest: Uint8Array, options: SignOptions = {}) {
    this.told.push({ digest: `0x${Buffer.from(digest).toString("hex")}`, payload: options.payload });
    return super.signDigest(digest, options);
  }

  invalidate(): void {
    this.invalidations += 1;
  }
}

const types = { Mail: [{ name: "to", type: "address" }] };

function digestOf(payload: SigningPayload | undefined): string {
  switch (payload?.type) {
    case "transaction":
      return keccak256(payload.unsigned);
    case "message":
      return hashMessage(payload.message);
    case "typed-data":
      return TypedDataEncoder.hash(payload.domain, payload.types, payload.value);
    case "authorization":
      return hashAuthorization(payload);
    default:
      throw new Error("there is no payload");
  }
}

describe("construction", () => {
  test("asks the backend nothing", async () => {
    const key = new MemoryKey(PRIVATE_KEY);
    new RemoteSigner(key).connect(null);
    await turn();
    expect(key).toMatchObject({ publicKeyFetches: 0, signatures: 0, closings: 0 });
  });

  test("the provider is null unless given", () => {
    const provider = new JsonRpcProvider("http://127.0.0.1:9");
    expect(new RemoteSigner(new MemoryKey(PRIVATE_KEY)).provider).toBeNull();
    expect(new RemoteSigner(new MemoryKey(PRIVATE_KEY), null).provider).toBeNull();
    expect(new RemoteSigner(new MemoryKey(PRIVATE_KEY), provider).provider).toBe(provider);
    provider.destroy();
  });

  test("backend and keyId are the key's", () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY, "key-7"));
    expect(signer).toMatchObject({ backend: "memory", keyId: "key-7" });
    expect(signer.connect(null)).toMatchObject({ backend: "memory", keyId: "key-7" });
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "50"])("timeout %p is refused", (timeout) => {
    const construct = () => new RemoteSigner(new MemoryKey(PRIVATE_KEY), null, { timeout: timeout as number });
    expect(construct).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "timeout" }));
  });

  test.each([1, 2 ** 31 - 1, undefined])("timeout %p is accepted", async (timeout) => {
    const key = new MemoryKey(PRIVATE_KEY);
    expect(new RemoteSigner(key, null, { timeout }).provider).toBeNull();
  });

  test("a signer as source shares its key and what is known of it", async () => {
    const key = new MemoryKey(PRIVATE_KEY);
    const first = new RemoteSigner(key, null, { expectedAddress: address });
    const second = new RemoteSigner(first);
    expect(await second.getAddress()).toBe(address);
    expect(await first.getAddress()).toBe(address);
    expect(verifyMessage("shared", await second.signMessage("shared"))).toBe(address);
    expect(key).toMatchObject({ publicKeyFetches: 1, signatures: 1 });
  });
});

describe("signDigest", () => {
  test.each([
    ["a hash", hashMessage("hello")],
    ["zero", `0x${"00".repeat(32)}`],
    ["the order of the curve", "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"],
    ["the largest number", `0x${"ff".repeat(32)}`],
  ])("signs %s as it is", async (_name, digest) => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    const signature = await signer.signDigest(digest);
    expect(recoverAddress(digest, signature)).toBe(address);
  });

  test("takes bytes or hex", async () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    const bytes = new Uint8Array(32).fill(7);
    expect(recoverAddress(bytes, await signer.signDigest(bytes))).toBe(address);
    expect(recoverAddress(bytes, await signer.signDigest(`0x${"07".repeat(32)}`))).toBe(address);
  });

  test.each<[string, unknown]>([
    ["31 bytes", new Uint8Array(31)],
    ["33 bytes", `0x${"00".repeat(33)}`],
    ["64 bytes", new Uint8Array(64)],
    ["nothing", "0x"],
    ["text", "hello"],
    ["hex without 0x", "07".repeat(32)],
    ["undefined", undefined],
    ["a number", 7],
    ["an array of 32 numbers", Array.from({ length: 32 }, () => 7)],
  ])("%s fails as SigningKey.sign does, and reaches no backend", async (_name, digest) => {
    const key = new MemoryKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    const actual = await rejection(signer.signDigest(digest as string));
    const control = await rejection((async () => signingKey.sign(digest as string))());
    const facts = ({ name, code, argument, shortMessage, message }: Record<string, unknown>) => {
      return { name, code, argument, shortMessage, message };
    };
    expect(facts(actual as Record<string, unknown>)).toEqual(facts(control as Record<string, unknown>));
    expect(key).toMatchObject({ publicKeyFetches: 0, signatures: 0 });
  });

  test("the text for a wrong length", async () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    expect(await rejection(signer.signDigest("0x1234"))).toMatchObject({
      code: "INVALID_ARGUMENT",
      shortMessage: "invalid digest length",
      argument: "digest",
      value: "0x1234",
    });
  });

  test("what the caller does to the digest after the call changes nothing", async () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    const digest = new Uint8Array(32).fill(7);
    const signing = signer.signDigest(digest);
    digest.fill(8);
    expect(recoverAddress(new Uint8Array(32).fill(7), await signing)).toBe(address);
    expect(digest).toEqual(new Uint8Array(32).fill(8));
  });
});

test("a signer frozen before its first call still learns its address", async () => {
  const key = new MemoryKey(PRIVATE_KEY);
  const signer = Object.freeze(new RemoteSigner(key));
  expect(await signer.getAddress()).toBe(address);
  expect(verifyMessage("frozen", await signer.signMessage("frozen"))).toBe(address);
  expect(await signer.connect(null).getAddress()).toBe(address);
  expect(key.publicKeyFetches).toBe(1);
});

describe("create", () => {
  test("returns the signer with its public key known, and calls nothing else", async () => {
    const key = new MemoryKey(PRIVATE_KEY);
    const signer = await RemoteSigner.create(key, null, { expectedAddress: address });
    expect(signer).toBeInstanceOf(RemoteSigner);
    expect(await signer.getAddress()).toBe(address);
    expect(key).toMatchObject({ publicKeyFetches: 1, signatures: 0, closings: 0 });
  });

  test("closes the key whose public key cannot be fetched, and throws why", async () => {
    const key = new FaultyKey(PRIVATE_KEY, {
      onFetch: () => Promise.reject(new SignerError("KEY_NOT_FOUND", "no such key")),
    });
    await signerError(RemoteSigner.create(key), "KEY_NOT_FOUND");
    expect(key.honest.closings).toBe(1);
  });

  test("closes a key with another address: ADDRESS_MISMATCH", async () => {
    const key = new MemoryKey(PRIVATE_KEY);
    await signerError(RemoteSigner.create(key, null, { expectedAddress: ZeroAddress }), "ADDRESS_MISMATCH");
    expect(key.closings).toBe(1);
  });

  test("throws the first failure, not that of closing", async () => {
    const key = new FaultyKey(PRIVATE_KEY, { onFetch: () => Promise.reject(new SignerError("ACCESS_DENIED", "no")) });
    key.close = () => Promise.reject(new Error("cannot be closed either"));
    await signerError(RemoteSigner.create(key), "ACCESS_DENIED");
  });

  test("rejects with the constructor's INVALID_ARGUMENT, and closes nothing", async () => {
    const key = new MemoryKey(PRIVATE_KEY);
    const error = await rejection(RemoteSigner.create(key, null, { timeout: 0 }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "timeout" });
    expect(key.closings).toBe(0);
  });

  test("of a subclass constructs that, with its arguments and its type", async () => {
    class VendorSigner extends RemoteSigner {
      readonly label: string;
      constructor({ privateKey, label }: { privateKey: string; label: string }) {
        super(new MemoryKey(privateKey));
        this.label = label;
      }
    }
    const signer: VendorSigner = await VendorSigner.create({ privateKey: PRIVATE_KEY, label: "hot" });
    expect(signer).toBeInstanceOf(VendorSigner);
    expect([signer.label, await signer.getAddress()]).toEqual(["hot", address]);
    // @ts-expect-error: the arguments are the subclass's own.
    const wrong = () => VendorSigner.create("hot");
    await expect(wrong()).rejects.toThrow();
  });
});

describe("verifyKey", () => {
  test("fetches the public key once more from a key that has no request of its own", async () => {
    const key = new FaultyKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    await signer.verifyKey();
    expect(key.honest).toMatchObject({ publicKeyFetches: 2, signatures: 0 });
    const other = new MemoryKey(id("another"));
    key.onFetch = () => other.getPublicKey();
    const error = await signerError(signer.verifyKey(), "KEY_CHANGED");
    const [previous, current] = [address, new Wallet(id("another")).address].map((each) => ({
      keyId: key.id,
      address: each,
    }));
    expect(error).toMatchObject({ backend: "faulty", keyId: key.id, operation: "verifyKey", retryable: false });
    expect(error.info).toEqual({ previous, current });
    // It changes nothing: the account stays the one that was pinned.
    expect(await signer.getAddress()).toBe(address);
    expect(verifyMessage("x", await signer.signMessage("x"))).toBe(address);
    key.onFetch = undefined;
    await signer.verifyKey();
  });

  test("uses the key's own request, with its receiver, after the public key was pinned", async () => {
    const key = ownRequests();
    const signer = new RemoteSigner(key);
    const { signal } = new AbortController();
    await signer.verifyKey({ signal });
    expect(key.order).toEqual(["getPublicKey", "verifyIdentity"]);
    key.verifyIdentity = () => Promise.reject(new SignerError("KEY_UNUSABLE", "disabled"));
    expect(await signerError(signer.verifyKey(), "KEY_UNUSABLE")).toMatchObject({
      backend: "memory",
      operation: "verifyKey",
    });
    key.verifyIdentity = () => Promise.reject(new Error("down"));
    await signerError(signer.verifyKey(), "BACKEND_UNAVAILABLE");
  });

  test("fails as any call does: deadline, abort, closed", async () => {
    const key = ownRequests();
    const signer = new RemoteSigner(key, null, { timeout: 20 });
    key.verifyIdentity = never;
    await signerError(signer.verifyKey(), "BACKEND_TIMEOUT");
    expect(await rejection(signer.verifyKey({ signal: AbortSignal.abort("enough") }))).toBe("enough");
    await signer.close();
    await signerError(signer.verifyKey(), "SIGNER_CLOSED");
  });
});

describe("health", () => {
  test("of a key without health of its own is whether verifyKey succeeds", async () => {
    const key = new FaultyKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    expect(await signer.health()).toEqual({ ready: true, error: undefined });
    key.onFetch = () => Promise.reject(new SignerError("ACCESS_DENIED", "no"));
    expect(await signer.health()).toMatchObject({ ready: false, error: { code: "ACCESS_DENIED", backend: "faulty" } });
    key.onFetch = () => new MemoryKey(id("another")).getPublicKey();
    expect(await signer.health()).toMatchObject({ ready: false, error: { code: "KEY_CHANGED" } });
    expect(key.honest.signatures).toBe(0);
  });

  test("of a key with health of its own is that, and fetches no public key", async () => {
    const key = ownRequests();
    const signer = new RemoteSigner<VendorHealth>(key);
    const { sessions } = await signer.connect(null).health();
    expect(sessions).toBe(4);
    expect(await signer.health()).toBe(key.report);
    expect(key.order).toEqual(["health", "health"]);
  });

  test("has the error of a health that fails, does not respond, or is of a closed signer", async () => {
    const key = ownRequests();
    const signer = new RemoteSigner(key, null, { timeout: 20 });
    key.health = () => Promise.reject(new Error("down"));
    expect(await signer.health()).toMatchObject({
      ready: false,
      error: { code: "BACKEND_UNAVAILABLE", operation: "health" },
    });
    key.health = never;
    expect(await signer.health()).toMatchObject({ ready: false, error: { code: "BACKEND_TIMEOUT" } });
    await signer.close();
    expect(await signer.health()).toMatchObject({
      ready: false,
      error: { code: "SIGNER_CLOSED", operation: "health" },
    });
  });

  test("rejects with the signal's reason", async () => {
    for (const key of [ownRequests(), new MemoryKey(PRIVATE_KEY)]) {
      expect(await rejection(new RemoteSigner(key).health({ signal: AbortSignal.abort("enough") }))).toBe("enough");
    }
  });
});

test("an authorization that was not filled in is signed as ethers hashes it: nonce 0, on every chain", async () => {
  /** Leaves an authorization as its caller made it. */
  class PlainSigner extends RemoteSigner {
    override async populateAuthorization(request: AuthorizationRequest): Promise<AuthorizationRequest> {
      return request;
    }
  }
  const signer = new PlainSigner(new MemoryKey(PRIVATE_KEY));
  const authorization = await signer.authorize({ address: `0x${"22".repeat(20)}` });
  expect(authorization).toMatchObject({ nonce: 0n, chainId: 0n });
  expect(verifyAuthorization(authorization, authorization.signature)).toBe(address);
});

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
    const key = new PayloadKey(PRIVATE_KEY);
    await sign(new RemoteSigner(key));
    const [told] = key.told;
    expect(told?.payload?.type).toBe(type);
    expect(digestOf(told?.payload)).toBe(told?.digest);
  });

  test("a digest alone has the payload that the caller passes, or none", async () => {
    const key = new PayloadKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    const payload = { type: "message", message: toUtf8Bytes("hello") } as const;
    await signer.signDigest(hashMessage("hello"), { payload });
    await signer.signDigest(hashMessage("hello"));
    expect(key.told.map(({ payload: told }) => told)).toEqual([payload, undefined]);
  });
});

describe("a key whose response is refused", () => {
  test("is invalidated once for each, and not for its own failures", async () => {
    const key = new PayloadKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    await signer.signMessage("right");
    key.onSign = async (honest) => honest.signDigest(new Uint8Array(32).fill(1));
    await expect(signer.signMessage("another digest")).rejects.toMatchObject({ code: "SIGNATURE_MISMATCH" });
    key.onSign = async () => ({ r: 0n, s: 1n });
    await expect(signer.signMessage("no signature")).rejects.toMatchObject({ code: "BACKEND_RESPONSE_INVALID" });
    expect(key.invalidations).toBe(2);
    key.onSign = () => Promise.reject(new Error("down"));
    await expect(signer.signMessage("failure")).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE" });
    expect(key.invalidations).toBe(2);
  });
});

describe("inspection", () => {
  test.each(views)("%s shows no secret of the key, before and after use", async (_name, view) => {
    const signer = new RemoteSigner(new CarelessKey(PRIVATE_KEY));
    expect(view(signer)).not.toContain(SECRET);
    await signer.signMessage("x");
    for (const each of [signer, signer.connect(null)]) {
      expect(view(each)).not.toContain(SECRET);
      expect(view(each).toLowerCase()).not.toContain(PRIVATE_KEY.slice(2));
    }
  });

  test("the planted secret is there to be found", () => {
    expect(inspect(new CarelessKey(PRIVATE_KEY))).toContain(SECRET);
  });

  test("shows the class, the backend, the key and, once it is known, the address", async () => {
    const signer = new VendorSigner(new CarelessKey(PRIVATE_KEY, "key-7"));
    for (const part of ["VendorSigner", "memory", "key-7"]) expect(inspect(signer)).toContain(part);
    expect(inspect(signer)).not.toContain(address);
    await signer.getAddress();
    for (const part of ["VendorSigner", "memory", "key-7", address]) expect(inspect(signer)).toContain(part);
  });

  test("as JSON too", async () => {
    const signer = new RemoteSigner(new CarelessKey(PRIVATE_KEY, "key-7"));
    expect(JSON.parse(JSON.stringify(signer))).toEqual({ backend: "memory", keyId: "key-7" });
    await signer.getAddress();
    expect(JSON.parse(JSON.stringify(signer))).toEqual({ backend: "memory", keyId: "key-7", address });
    const copy = signer.connect(null);
    expect(JSON.parse(JSON.stringify(copy))).toEqual({ backend: "memory", keyId: "key-7", address });
  });

  test("does not show the provider, whose URL may hold a token", () => {
    const provider = new JsonRpcProvider(`http://127.0.0.1:9/v3/${SECRET}`);
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY), provider);
    const shown = `${inspect(signer, { depth: null, showHidden: true })} ${JSON.stringify(signer)}`;
    expect(shown).not.toContain(SECRET);
    expect(shown).not.toContain("provider");
    provider.destroy();
  });

  test("asks the backend nothing", () => {
    const key = new MemoryKey(PRIVATE_KEY);
    const signer = new RemoteSigner(key);
    inspect(signer);
    JSON.stringify(signer);
    expect(key.publicKeyFetches).toBe(0);
  });

  test("still works once closed", async () => {
    const signer = new RemoteSigner(new MemoryKey(PRIVATE_KEY));
    await signer.getAddress();
    await signer.close();
    expect(inspect(signer)).toContain(address);
  });
});

interface VendorHealth extends KeyHealth {
  readonly sessions: number;
}

/** A key with health and verifyIdentity of its own, which note the order of the calls. */
function ownRequests() {
  const report: VendorHealth = { ready: true, error: undefined, sessions: 4 };
  class OwnRequests extends MemoryKey implements RemoteKey {
    readonly order: string[] = [];
    readonly report = report;
    override async getPublicKey(): Promise<Uint8Array> {
      this.order.push("getPublicKey");
      return super.getPublicKey();
    }
    async verifyIdentity(): Promise<void> {
      this.order.push("verifyIdentity");
    }
    async health(): Promise<VendorHealth> {
      this.order.push("health");
      return this.report;
    }
  }
  return new OwnRequests(PRIVATE_KEY);
}
