import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { id, Wallet } from "ethers";
import { BaseError } from "viem";
import { kmsError } from "../../src/aws-kms/errors.ts";
import { credentialError } from "../../src/azure-key-vault/credential-errors.ts";
import { keyVaultError } from "../../src/azure-key-vault/errors.ts";
import { isSignerError, SignerError } from "../../src/core/errors.ts";
import { ProviderRpcError } from "../../src/eip1193/rpc-error.ts";
import { signerFailure, upstreamFailure } from "../../src/eip1193/rpc-failure.ts";
import { toStoreError } from "../../src/pkcs11/store-health.ts";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { FaultyKey } from "../support/faulty-key.ts";
import { signerError } from "./rejection.ts";

const PRIVATE_KEY = id("thrown values");
const DIGEST = id("a digest");

function boom(): never {
  throw new Error("a getter's own");
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function throwing(name: string): unknown {
  return Object.defineProperty(new Error("odd"), name, { get: boom });
}

function cyclic(): Error {
  const inner = new Error("inner");
  const outer = new Error("outer", { cause: inner });
  inner.cause = outer;
  return outer;
}

/** Each cause has another one, for ever. */
function bottomless(): unknown {
  return Object.defineProperty(new Error("deep"), "cause", { get: bottomless });
}

const traps = Object.fromEntries(
  ["get", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor"].map((name) => [name, boom]),
);

/** What reading it throws, or does not end. */
const unreadable: [string, () => unknown][] = [
  ["a proxy that throws at everything", () => new Proxy({}, traps)],
  ["a proxy of an error that throws at every property", () => new Proxy(new Error("x"), { get: boom })],
  ["a proxy of a function that throws at everything", () => new Proxy(() => {}, traps)],
  ["a revoked proxy", revoked],
  ...["code", "shortMessage", "message", "name", "stack", "cause", "info"].map((name): [string, () => unknown] => [
    `an error whose ${name} throws`,
    () => throwing(name),
  ]),
  [
    "an object whose brand throws",
    () => ({
      get [Symbol.for("ethers-hsm.SignerError")]() {
        return boom();
      },
    }),
  ],
  ["a proxy that has everything, and is nothing", () => new Proxy({}, { get: (): unknown => true })],
  ["an error whose cause is a revoked proxy", () => new Error("x", { cause: revoked() })],
  ["an error that is its cause's cause", cyclic],
  ["an error whose causes never end", bottomless],
];

/** Odd, but readable: it is the cause as it is. */
const odd: [string, () => unknown][] = [
  ["null", () => null],
  ["undefined", () => undefined],
  ["text", () => "down"],
  ["a symbol", () => Symbol("down")],
  ["a number", () => 5n],
  ["a function", () => boom],
  ["a frozen object", () => Object.freeze({ code: "ECONNRESET" })],
  ["a frozen error", () => Object.freeze(new Error("frozen"))],
  ["an object without a prototype", () => Object.create(null)],
];

const failing = (thrown: unknown) => new FaultyKey(PRIVATE_KEY, { onSign: () => Promise.reject(thrown) });

/** Nothing that a log or a program does with it fails. */
function expectHarmless(error: Error): void {
  expect(inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true })).toContain(error.message);
  expect(String(error)).toContain(error.message);
  expect(JSON.stringify(error)).not.toContain("a getter's own");
  let causes = 0;
  for (let each: unknown = error; each instanceof Error; each = each.cause) causes++;
  expect(causes).toBeLessThan(10);
  const viemError = new BaseError("viem's", { cause: error });
  expect(viemError.walk(() => false)).toBeNull();
}

describe.each(unreadable)("%s", (_name, make) => {
  test("thrown by a key is a SignerError, whose cause can be read", async () => {
    const signing = await signerError(new RemoteSigner(failing(make())).signDigest(DIGEST), "BACKEND_UNAVAILABLE");
    expectHarmless(signing);
    expect(signing).toMatchObject({ backend: "faulty", operation: "signDigest", retryable: false });
    const fetching = new FaultyKey(PRIVATE_KEY, { onFetch: () => Promise.reject(make()) });
    expectHarmless(await signerError(new RemoteSigner(fetching).getAddress(), "BACKEND_UNAVAILABLE"));
  });

  test("thrown by a replica leads to the next one", async () => {
    const key = new FailoverKey([failing(make()), new FaultyKey(PRIVATE_KEY)]);
    const signer = new RemoteSigner(key);
    expect(await signer.getAddress()).toBe(new Wallet(PRIVATE_KEY).address);
    expect((await signer.signDigest(DIGEST)).r).toHaveLength(66);
    const none = new FailoverKey([failing(make()), failing(make())]);
    expectHarmless(await signerError(new RemoteSigner(none).signDigest(DIGEST), "BACKEND_UNAVAILABLE"));
  });

  test("thrown to every translator of errors is translated", () => {
    const asked = { operation: "Sign", keyId: "k" };
    const request = { request: "sign", vaultUrl: "https://v.vault.azure.net" } as const;
    const translated = [
      kmsError(make(), asked),
      keyVaultError(make(), undefined, request),
      keyVaultError(make(), undefined, { ...request, request: "list" }),
      credentialError(make()),
      toStoreError(make(), { backend: "pkcs11" }, undefined),
    ];
    for (const error of translated) {
      expect(isSignerError(error) && error instanceof SignerError).toBe(true);
      expectHarmless(error as SignerError);
    }
    for (const error of [signerFailure(make()), upstreamFailure(make())]) {
      expect(error).toBeInstanceOf(ProviderRpcError);
      expectHarmless(error);
    }
  });

  test("is no SignerError", () => expect(isSignerError(make())).toBe(false));
});

test.each(odd)("%s is kept as the cause", async (_name, make) => {
  const thrown = make();
  const error = await signerError(new RemoteSigner(failing(thrown)).signDigest(DIGEST), "BACKEND_UNAVAILABLE");
  expect(error.cause).toBe(thrown);
  expect(signerFailure(thrown).cause).toBe(thrown);
});
