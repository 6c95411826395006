import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { getBytes, id, toBigInt, Wallet } from "ethers";
import { isSignerError, isStoredKey } from "../../src/index.ts";
import { everythingShown } from "../support/everything-shown.ts";
import { hangFor } from "../support/stopped-time.ts";
import { CLOUDS, type Cloud, type CloudFault } from "./clouds.ts";

const DIGEST = id("a digest");
const PRIVATE_KEY = id("a private key that no log may show");
const BYTES = getBytes(PRIVATE_KEY);
/** Every form in which the private key could appear, whole or in good part. */
const FORMS = [
  PRIVATE_KEY.slice(2, 34),
  PRIVATE_KEY.slice(34),
  toBigInt(PRIVATE_KEY).toString(),
  Buffer.from(BYTES).toString("base64").slice(4, 36),
  Buffer.from(BYTES).toString("base64url").slice(4, 36),
  [...BYTES].slice(4, 12).join(","),
];
const HEADERS = ["AWS4-HMAC-SHA256", "amz-sdk-invocation-id", "authorization"];

function expectNothingOf(planted: readonly string[], value: unknown): void {
  const causes = [];
  for (let each = value; each instanceof Error; each = each.cause) causes.push(each.stack, String(each));
  const shown = [everythingShown(value), ...causes].join("\n").toLowerCase();
  // Inspection shows bytes in lines of its own.
  const compact = shown.replace(/\s+/g, "");
  expect(planted.filter((text) => [shown, compact].some((all) => all.includes(text.toLowerCase())))).toEqual([]);
}

test.each<[string, unknown]>([
  ["a text", { PRIVATE_KEY }],
  ["bytes", { BYTES }],
  ["a number", String(toBigInt(PRIVATE_KEY))],
  ["a buffer", [Buffer.from(BYTES)]],
  ["a cause", new Error("x", { cause: { deep: { down: PRIVATE_KEY } } })],
])("what is planted would be found: %s", (_name, value) => {
  expect(() => expectNothingOf(FORMS, value)).toThrow();
});

describe.each(CLOUDS)("%s", (_name, start) => {
  let cloud: Cloud;

  beforeAll(async () => {
    cloud = await start();
  });

  afterEach(() => cloud.heal());

  afterAll(() => cloud.close());

  const planted = () => [...FORMS, ...HEADERS, ...cloud.secrets, cloud.privateKey.slice(2)];
  const expectNothing = (value: unknown) => expectNothingOf(planted(), value);

  async function failureOf(call: () => Promise<unknown>, isHanging?: () => boolean): Promise<unknown> {
    const failing = () => call().catch((error: unknown) => error);
    const failure = await (isHanging ? hangFor(60_000, isHanging, failing) : failing());
    expect(isSignerError(failure)).toBe(true);
    return failure;
  }

  test("a signer shows the backend, the key and the address, before, during and after a call", async () => {
    const signer = cloud.signer();
    expectNothing(signer);
    const signing = signer.signDigest(DIGEST);
    expectNothing(signer);
    await signing;
    expectNothing(signer);
    expectNothing(signer.connect(null));
    const { backend, keyId } = signer;
    expect(JSON.parse(JSON.stringify(signer))).toEqual({ backend, keyId, address: await signer.getAddress() });
    await signer.close();
    expectNothing(signer);
  });

  test("a store and its keys show nothing, before, during and after a listing", async () => {
    const store = cloud.store();
    expectNothing(store);
    for await (const listed of store.list()) {
      expectNothing(store);
      expectNothing(listed);
      if (isStoredKey(listed)) expectNothing(listed.key);
    }
    await store.close?.();
    expectNothing(store);
  });

  const json = { "content-type": "application/json" };
  const faults: readonly (readonly [name: string, fault: () => CloudFault])[] = [
    ["a refusal", () => cloud.refusal(403, "AccessDenied")],
    ["a refusal that repeats the token", () => cloud.refusal(403, "AccessDenied", `no: ${cloud.tokenHeader}`)],
    ["a page that repeats the credentials", () => ({ status: 502, body: cloud.secrets.join() })],
    ["a body that is not JSON, and repeats them", () => ({ status: 200, headers: json, body: `{${cloud.secrets}` })],
    ["a body that is a token", () => ({ status: 200, headers: json, body: cloud.secrets.at(-1) ?? "" })],
    ["an empty body", () => ({ status: 403 })],
    ["a reset", () => "reset"],
    ["no answer", () => "hang"],
    [
      "other fields",
      () => ({ fields: { Signature: "AAAA", value: "AQ", signature: "AAAA", kid: "https://x.vault.azure.net" } }),
    ],
  ];

  test.each(faults)("the error of %s shows nothing, its causes included", async (_fault, make) => {
    const signer = cloud.signer({ once: true, timeout: 3_000 });
    await signer.getAddress();
    const fault = make();
    const before = cloud.count("sign");
    cloud.fail("sign", fault);
    const isHanging = fault === "hang" ? () => cloud.count("sign") > before : undefined;
    expectNothing(await failureOf(() => signer.signDigest(DIGEST), isHanging));
    expectNothing(signer);
    await signer.close();
  });

  const [base64, base64url] = (["base64", "base64url"] as const).map((form) => Buffer.from(BYTES).toString(form));
  const digits = PRIVATE_KEY.slice(2);
  const echo = `The key ${PRIVATE_KEY} ${digits} ${digits.toUpperCase()} ${base64} ${base64url} ${toBigInt(PRIVATE_KEY)} was refused`;
  test.each<[string, "create" | "import" | "sign", () => CloudFault]>([
    ["is refused", "import", () => cloud.refusal(403, "AccessDenied")],
    ["is refused with what was sent", "import", () => cloud.refusal(403, "AccessDenied", echo)],
    ["is broken off", "import", () => "reset"],
    ["is never answered", "import", () => "hang"],
    ["gets a page with what was sent", "import", () => ({ status: 502, body: `<html>${echo}` })],
    ["gets JSON that ends early", "import", () => ({ status: 200, headers: json, body: `{${echo}` })],
    ["is not proven", "sign", () => cloud.refusal(403, "AccessDenied")],
  ])("an import that %s shows no private key", async (_case, operation, make) => {
    for (const privateKey of [PRIVATE_KEY, BYTES]) {
      const store = cloud.store({ once: true, timeout: 3_000 });
      const fault = make();
      const before = cloud.count(operation);
      cloud.fail(operation, fault);
      const importing = async () => {
        const imported = store.importKey?.(privateKey, {
          name: `${cloud.free}-${id(`${Math.random()}`).slice(2, 12)}`,
        });
        expectNothing(store);
        return imported;
      };
      const isHanging = fault === "hang" ? () => cloud.count(operation) > before : undefined;
      expectNothing(await failureOf(importing, isHanging));
      expectNothing(store);
      await store.close?.();
      cloud.heal();
    }
    expect(BYTES).toEqual(getBytes(PRIVATE_KEY));
  });

  test.each<[string, unknown]>([
    ["hex without 0x", PRIVATE_KEY.slice(2)],
    ["one digit short", PRIVATE_KEY.slice(0, -1)],
    ["one byte more", `${PRIVATE_KEY}00`],
    ["one byte more, as bytes", Buffer.concat([BYTES, Buffer.of(0)])],
    ["a list", [...BYTES]],
    ["an object", { privateKey: PRIVATE_KEY }],
    ["a wallet's signing key", new Wallet(PRIVATE_KEY).signingKey],
  ])("a private key that is %s is refused without being shown, and nothing is sent", async (_case, privateKey) => {
    const store = cloud.store();
    const before = cloud.requests();
    const error = await store
      .importKey?.(privateKey as string, { name: cloud.free })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expectNothing(error);
    expect(cloud.requests()).toBe(before);
    await store.close?.();
  });
});
