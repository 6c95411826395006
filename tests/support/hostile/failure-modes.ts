import { SignerError } from "../../../src/core/errors.ts";
import { TestKey } from "../../../src/testing/test-key.ts";
import type { HostileAnswer } from "./hostile-case.ts";
import { OTHER_KEY } from "./hostile-signatures.ts";

const never = () => new Promise<never>(() => {});

/** What a backend may throw or reject with that is no error of ours. */
const REASONS: readonly (readonly [string, unknown])[] = [
  ["an Error", new Error("of the backend's own")],
  ["an AbortError, though no call was aborted", new DOMException("The operation was aborted.", "AbortError")],
  ["text", "no"],
  ["undefined", undefined],
  ["null", null],
  ["a number", 500],
  ["an object with a code of ours", { code: "SIGNATURE_MISMATCH" }],
  ["a frozen object", Object.freeze({})],
];

const failures = REASONS.flatMap(([name, reason]): HostileAnswer[] =>
  (["getPublicKey", "signDigest"] as const).flatMap((call): HostileAnswer[] => [
    {
      name: `rejects with ${name}`,
      call,
      expected: "BACKEND_UNAVAILABLE",
      behave: () => ({ [call]: () => Promise.reject(reason) }),
    },
    {
      name: `throws ${name} before it returns a promise`,
      call,
      expected: "BACKEND_UNAVAILABLE",
      behave: () => ({
        [call]: () => {
          throw reason;
        },
      }),
    },
  ]),
);

/** What a backend may do besides answering the wrong thing. */
export const failureModes: readonly HostileAnswer[] = [
  ...failures,
  {
    name: "fails with an error of ours",
    call: "signDigest",
    expected: "THROTTLED",
    behave: () => ({ signDigest: () => Promise.reject(new SignerError("THROTTLED", "later")) }),
  },
  {
    name: "answers a thenable that throws",
    call: "signDigest",
    expected: "BACKEND_UNAVAILABLE",
    behave: () => ({
      signDigest: () => ({
        // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
        then() {
          throw new Error("of the thenable");
        },
      }),
    }),
  },
  {
    name: "answers without a promise",
    call: "signDigest",
    expected: "accepted",
    behave: (honest) => ({ signDigest: (digest) => honest.sign(digest), getPublicKey: () => honest.publicKey }),
  },
  {
    name: "answers the signature over the digest before",
    call: "signDigest",
    expected: "SIGNATURE_MISMATCH",
    behave(honest) {
      let before = new Uint8Array(32).fill(1);
      return {
        signDigest(digest) {
          const signature = honest.sign(before);
          before = digest.slice();
          return signature;
        },
      };
    },
  },
  {
    name: "overwrites the digest, and signs what it is then",
    call: "signDigest",
    expected: "SIGNATURE_MISMATCH",
    behave: (honest) => ({ signDigest: (digest) => honest.sign(digest.fill(0)) }),
  },
  {
    name: "overwrites the digest after it was signed",
    call: "signDigest",
    expected: "accepted",
    behave: (honest) => ({
      signDigest(digest) {
        const signature = honest.sign(digest);
        digest.fill(0);
        return signature;
      },
    }),
  },
  {
    name: "overwrites the public key's bytes after it was told",
    call: "getPublicKey",
    expected: "accepted",
    behave(honest) {
      const { publicKey } = honest;
      return {
        getPublicKey: () => publicKey,
        signDigest(digest) {
          publicKey.fill(0);
          return honest.sign(digest);
        },
      };
    },
  },
  {
    name: "tells another public key from the second time on",
    call: "getPublicKey",
    expected: "accepted",
    behave(honest) {
      const keys = [honest.publicKey];
      return { getPublicKey: () => keys.pop() ?? OTHER_KEY.publicKey };
    },
  },
  {
    name: "holds another key, and tells it",
    call: "getPublicKey",
    expected: "ADDRESS_MISMATCH",
    behave: () => ({ getPublicKey: () => OTHER_KEY.publicKey, signDigest: (digest) => OTHER_KEY.sign(digest) }),
  },
  {
    name: "got another key after it told the public key",
    call: "signDigest",
    expected: "SIGNATURE_MISMATCH",
    behave(honest) {
      const keys = [honest, new TestKey(`0x${"7b".repeat(32)}`)];
      return {
        getPublicKey: () => keys[0]?.publicKey,
        signDigest: (digest) => keys.at(-1)?.sign(digest),
      };
    },
  },
  { name: "never answers", call: "getPublicKey", expected: "BACKEND_TIMEOUT", behave: () => ({ getPublicKey: never }) },
  { name: "never answers", call: "signDigest", expected: "BACKEND_TIMEOUT", behave: () => ({ signDigest: never }) },
  {
    name: "answers rightly, but when the caller no longer waits",
    call: "signDigest",
    expected: "BACKEND_TIMEOUT",
    behave: (honest) => ({
      async signDigest(digest, { signal }) {
        await ending(signal);
        return honest.sign(digest);
      },
    }),
  },
  {
    name: "fails when the caller no longer waits",
    call: "signDigest",
    expected: "BACKEND_TIMEOUT",
    behave: () => ({
      async signDigest(_digest, { signal }) {
        await ending(signal);
        throw new Error("too late for anybody to hear");
      },
    }),
  },
];

function ending(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
