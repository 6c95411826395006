import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { recoverAddress } from "ethers";
import { isSignerError, type SignerError } from "../../src/index.ts";
import { hangFor } from "../support/stopped-time.ts";
import { CLOUDS, type Cloud } from "./clouds.ts";

const DIGEST = `0x${"02".repeat(32)}`;
const TIMEOUT = 30_000;
const PAGE = { headers: { "content-type": "text/html" }, body: "<html>Sign in to the network</html>" };

async function failureOf(call: Promise<unknown>): Promise<SignerError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isSignerError(error)) throw error ?? new Error("should have failed");
  return error;
}

describe.each(CLOUDS)("%s", (_name, start) => {
  let cloud: Cloud;

  beforeAll(async () => {
    cloud = await start();
  });

  afterEach(() => cloud.heal());

  afterAll(() => cloud.close());

  test("one dead connection is retried within the timeout", async () => {
    const signer = cloud.signer({ timeout: TIMEOUT });
    const address = await signer.getAddress();
    const before = cloud.count("sign");
    cloud.fail("sign", "hang", 1);
    const signing = hangFor(
      TIMEOUT / 3 + 1_000,
      () => cloud.count("sign") > before,
      () => signer.signDigest(DIGEST),
    );
    expect(recoverAddress(DIGEST, await signing)).toBe(address);
    await signer.close();
  });

  test("a Retry-After beyond the deadline is THROTTLED, at once", async () => {
    const signer = cloud.signer({ timeout: TIMEOUT });
    await signer.getAddress();
    const { status, headers, body } = cloud.refusal(429, "Throttling");
    cloud.fail("sign", { status, headers: { ...headers, "retry-after": "60" }, body });
    const before = cloud.count("sign");
    expect(await failureOf(signer.signDigest(DIGEST))).toMatchObject({ code: "THROTTLED", retryable: true });
    expect(cloud.count("sign")).toBe(before + 1);
    await signer.close();
  });

  test.each([200, 302, 403, 404, 407])(
    "a page with status %d in the service's place is not the service",
    async (status) => {
      const signer = cloud.signer();
      await signer.getAddress();
      cloud.fail("sign", { status, ...PAGE });
      const error = await failureOf(signer.signDigest(DIGEST));
      expect(error.message).not.toMatch(/grant |recover the key|Sign in/);
      // Fetch hides a 407, and says that the request failed.
      if (status === 407 && cloud.backend === "gcp-kms") return;
      expect(error).toMatchObject({ code: "BACKEND_RESPONSE_INVALID", retryable: false, backend: cloud.backend });
      // Of a success Azure's SDK keeps what it can read: that the key's name is missing is what fails then.
      if (status !== 200) expect(error.info?.["source"]).toBe(`what answers in the place of ${cloud.service}`);
      await signer.close();
    },
  );

  test("a refusal says who, with which code and text, in JSON too", async () => {
    const signer = cloud.signer();
    await signer.getAddress();
    cloud.fail("sign", cloud.refusal(403, "AccessDenied"));
    const error = JSON.parse(JSON.stringify(await failureOf(signer.signDigest(DIGEST)))) as SignerError;
    expect(error).toMatchObject({
      ...{ code: "ACCESS_DENIED", backend: cloud.backend, operation: "signDigest" },
      info: { source: cloud.service, errorText: "The service says no.", statusCode: 403 },
    });
    expect([error.info?.["errorCode"], error.requestId]).toEqual([cloud.deniedCode, cloud.requestId]);
    await signer.close();
  });

  test("health of a signer: ready; why it is not; and closed", async () => {
    const signer = cloud.signer();
    expect(await signer.health()).toEqual({ ready: true, error: undefined });
    for (const operation of ["sign", "getKey"] as const) cloud.fail(operation, cloud.refusal(403, "AccessDenied"));
    expect(await signer.health()).toMatchObject({
      ready: false,
      error: { code: "ACCESS_DENIED", operation: "health" },
    });
    await signer.close();
    expect(await signer.health()).toMatchObject({ ready: false, error: { code: "SIGNER_CLOSED" } });
  });

  test.each([
    ["a refusal", 403, "AccessDenied", { reachable: true, canList: false, error: { code: "ACCESS_DENIED" } }],
    ["throttling", 429, "Throttling", { reachable: true, canList: undefined, error: { code: "THROTTLED" } }],
    ["an internal error", 500, "InternalFailure", { reachable: false, error: { code: "BACKEND_UNAVAILABLE" } }],
  ])("health of a store: %s", async (_case, status, code, expected) => {
    const store = cloud.store({ timeout: 6_000 });
    cloud.fail("list", cloud.refusal(status, code));
    expect(await store.health?.()).toMatchObject(expected);
    await store.close?.();
  });

  test("health of a closed store and of a portal resolves", async () => {
    const store = cloud.store();
    cloud.fail("list", { status: 403, ...PAGE });
    expect(await store.health?.()).toMatchObject({ reachable: false, error: { code: "BACKEND_RESPONSE_INVALID" } });
    await store.close?.();
    expect(await store.health?.()).toMatchObject({ reachable: false, error: { code: "SIGNER_CLOSED" } });
  });

  test("a taken name makes nothing; two calls with a free one make one key", async () => {
    const store = cloud.store();
    const refused = { code: "KEY_EXISTS", retryable: false, backend: cloud.backend };
    expect(await failureOf(store.createKey?.({ name: cloud.taken }) as Promise<unknown>)).toMatchObject(refused);
    expect(cloud.count("create")).toBe(0);
    const calls = [store.createKey?.({ name: cloud.free }), store.createKey?.({ name: cloud.free })];
    expect(await Promise.allSettled(calls)).toMatchObject([{ status: "fulfilled" }, { reason: refused }]);
    expect(cloud.count("create")).toBe(1);
    await store.close?.();
  });

  test.each([
    ["a line break at its end", ["", "\n"]],
    ["a space before it", [" ", ""]],
    ["an invisible character", ["", "\u200b"]],
  ] as const)("an identifier with %s is refused at construction", (_case, around) => {
    expect(() => cloud.signer({ around })).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});
