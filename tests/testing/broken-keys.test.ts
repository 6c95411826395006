import { expect, test } from "@jest/globals";
import { getBytes, id, keccak256, sha256 } from "ethers";
import type { CallOptions, RawSignature, SignOptions } from "ethers-hsm";
import { ContractFailure, remoteKeyContract, TestKey } from "ethers-hsm/testing";

const PRIVATE_KEY = id("a key that breaks the contract");

/** An honest key, to be broken in one place. */
class Key extends TestKey {
  constructor() {
    super(PRIVATE_KEY);
  }
}

const shared = new TestKey(PRIVATE_KEY).publicKey;

/** Each breaks one promise of RemoteKey. */
const BROKEN: Readonly<Record<string, () => Key>> = {
  "has no name": () => Object.defineProperty(new Key(), "id", { value: "" }),
  "tells a compressed public key": () =>
    new (class extends Key {
      override async getPublicKey() {
        return Uint8Array.of(2, ...this.publicKey.slice(1, 33));
      }
    })(),
  "tells another public key each time": () =>
    new (class extends Key {
      override async getPublicKey() {
        return new TestKey(id(`${Math.random()}`)).publicKey;
      }
    })(),
  "gives its own bytes away": () =>
    new (class extends Key {
      override async getPublicKey() {
        return shared;
      }
    })(),
  "hashes the digest with SHA-256": () =>
    new (class extends Key {
      override sign(digest: Uint8Array) {
        return super.sign(getBytes(sha256(digest)));
      }
    })(),
  "hashes the digest with Keccak-256": () =>
    new (class extends Key {
      override sign(digest: Uint8Array) {
        return super.sign(getBytes(keccak256(digest)));
      }
    })(),
  "overwrites the digest": () =>
    new (class extends Key {
      override async signDigest(digest: Uint8Array, options?: SignOptions) {
        const signature = await super.signDigest(digest, options);
        digest.fill(0);
        return signature;
      }
    })(),
  "signs the whole buffer of a part": () =>
    new (class extends Key {
      override async signDigest(digest: Uint8Array, options?: SignOptions) {
        return super.signDigest(new Uint8Array(digest.buffer).slice(0, 32), options);
      }
    })(),
  "gives r and s as text": () =>
    new (class extends Key {
      override sign(digest: Uint8Array) {
        const { r, s } = super.sign(digest);
        return { r: `${r}`, s: `${s}` } as unknown as RawSignature;
      }
    })(),
  "gives r = 0": () =>
    new (class extends Key {
      override sign(digest: Uint8Array) {
        return { ...super.sign(digest), r: 0n };
      }
    })(),
  "signs with another key": () =>
    new (class extends Key {
      override sign(digest: Uint8Array) {
        return new TestKey(id("another")).sign(digest);
      }
    })(),
  "signs any length": () =>
    new (class extends Key {
      override async signDigest(digest: Uint8Array, options?: SignOptions) {
        return super.signDigest(
          Uint8Array.from({ length: 32 }, (_, index) => digest[index] ?? 0),
          options,
        );
      }
    })(),
  "refuses other lengths with an error of its own": () =>
    new (class extends Key {
      override async signDigest(digest: Uint8Array, options?: SignOptions) {
        if (digest.length !== 32) throw new RangeError("32");
        return super.signDigest(digest, options);
      }
    })(),
  "ignores a signal that has aborted": () =>
    new (class extends Key {
      override signDigest(digest: Uint8Array, _options?: SignOptions) {
        return super.signDigest(digest);
      }
    })(),
  "rejects with an error of its own where the signal has aborted": () =>
    new (class extends Key {
      override async getPublicKey({ signal }: CallOptions = {}) {
        if (signal?.aborted) throw new Error("aborted");
        return super.getPublicKey();
      }
    })(),
  "never answers once a signal has aborted meanwhile": () =>
    new (class extends Key {
      override async signDigest(digest: Uint8Array, { signal }: SignOptions = {}) {
        signal?.throwIfAborted();
        await Promise.resolve();
        return signal?.aborted ? new Promise<never>(() => {}) : super.signDigest(digest);
      }
    })(),
  "mixes parallel calls up": () => {
    let newest = new Uint8Array();
    return new (class extends Key {
      override async signDigest(digest: Uint8Array, options?: SignOptions) {
        if (digest.length === 32) newest = digest.slice();
        await Promise.resolve();
        return super.signDigest(digest.length === 32 ? newest : digest, options);
      }
    })();
  },
  "throws at the call": () =>
    new (class extends Key {
      override signDigest(digest: Uint8Array, options: SignOptions = {}): Promise<RawSignature> {
        options.signal?.throwIfAborted();
        return super.signDigest(digest, options);
      }
    })(),
  "fails the second closing": () => {
    let closings = 0;
    return new (class extends Key {
      override async close() {
        if (closings++ > 0) throw new Error("closed already");
        await super.close();
      }
    })();
  },
  "signs after closing": () =>
    new (class extends Key {
      override async close() {}
    })(),
  "rejects with a text after closing": () => closingWith("closed"),
  "rejects with an empty object after closing": () => closingWith({}),
  "rejects with nothing for other lengths": () =>
    new (class extends Key {
      override async signDigest(digest: Uint8Array, options?: SignOptions) {
        return digest.length === 32 ? super.signDigest(digest, options) : Promise.reject(undefined);
      }
    })(),
  "stops signing once it is distrusted": () =>
    new (class extends Key {
      invalidate() {
        void this.close();
      }
    })(),
};

/** A key that is refused after closing, but not as it should be. */
function closingWith(reason: unknown): Key {
  let isClosed = false;
  return new (class extends Key {
    override async close() {
      isClosed = true;
    }
    override async getPublicKey(options?: CallOptions) {
      return isClosed ? Promise.reject(reason) : super.getPublicKey(options);
    }
  })();
}

async function failuresOf(create: () => TestKey): Promise<Error[]> {
  const outcomes = await Promise.allSettled(remoteKeyContract(create, { timeout: 2_000 }).map(({ run }) => run()));
  return outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as Error] : []));
}

test("an honest key breaks nothing", async () => {
  expect(await failuresOf(() => new Key())).toEqual([]);
});

test("a key that has nothing to close breaks nothing", async () => {
  expect(await failuresOf(() => Object.defineProperty(new Key(), "close", { value: undefined }))).toEqual([]);
});

test.each(Object.entries(BROKEN))("a key that %s is found", async (_name, create) => {
  const failures = await failuresOf(create);
  expect(failures.length).toBeGreaterThan(0);
  // Those that are no failure of the contract are the key's own, as of "fails the second closing".
  for (const failure of failures) expect(failure).toBeInstanceOf(Error);
});

test("a failure says what is wrong, and is told apart from the key's own errors", async () => {
  const messages = async (name: string) => (await failuresOf(BROKEN[name] as () => TestKey)).map(String).join("\n");
  expect(await messages("hashes the digest with SHA-256")).toMatch(
    /^ContractFailure: .*over the SHA-256 of the digest/m,
  );
  expect(await messages("signs after closing")).toContain("getPublicKey after close() must be refused");
  expect(await messages("never answers once a signal has aborted meanwhile")).toContain("did not end within 2000 ms");
  expect(await messages("rejects with a text after closing")).toContain("must be SIGNER_CLOSED, not closed");
  expect(await messages("rejects with an empty object after closing")).toContain(
    "must be SIGNER_CLOSED, not an object",
  );
  expect(await messages("rejects with nothing for other lengths")).toContain("INVALID_ARGUMENT, not with undefined");
  const own = await failuresOf(BROKEN["fails the second closing"] as () => TestKey);
  expect(own.every((failure) => !(failure instanceof ContractFailure))).toBe(true);
});

test("every key that a case makes is closed, and none is shared", async () => {
  const keys: TestKey[] = [];
  for (const { run } of remoteKeyContract(() => keys[keys.push(new TestKey(PRIVATE_KEY)) - 1] as TestKey)) await run();
  expect(keys).toHaveLength(remoteKeyContract(() => new Key()).length);
  for (const key of keys) await expect(key.getPublicKey()).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
});
