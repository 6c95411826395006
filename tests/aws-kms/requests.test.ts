import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { getBytes, recoverAddress, Wallet } from "ethers";
import { KmsKey, KmsSigner } from "ethers-hsm/aws-kms";
import { CREDENTIALS, DIGEST, type Kms, PRIVATE_KEY, rejectionOf, startKms } from "./support.ts";

const ADDRESS = new Wallet(PRIVATE_KEY).address;

let kms: Kms;
let signer: KmsSigner;

beforeEach(async () => {
  kms = await startKms();
  signer = new KmsSigner(kms.options());
});

afterEach(async () => {
  await signer.close();
  await kms.server.close();
});

describe("what KMS is asked", () => {
  test("a digest is signed as a digest", async () => {
    await signer.signDigest(DIGEST);
    expect(kms.server.requests.map(({ operation, input }) => ({ operation, input }))).toEqual([
      { operation: "GetPublicKey", input: { KeyId: kms.key.keyId } },
      {
        operation: "Sign",
        input: {
          KeyId: kms.key.arn,
          Message: Buffer.from(getBytes(DIGEST)).toString("base64"),
          MessageType: "DIGEST",
          SigningAlgorithm: "ECDSA_SHA_256",
        },
      },
    ]);
  });

  test("with the grant tokens, when they are needed", async () => {
    kms.key.grantToken = "a-grant-token";
    expect(await rejectionOf(signer.getAddress())).toMatchObject({ code: "ACCESS_DENIED" });
    const granted = new KmsSigner(kms.options({ grantTokens: ["another-token", "a-grant-token"] }));
    expect(recoverAddress(DIGEST, await granted.signDigest(DIGEST))).toBe(ADDRESS);
    await granted.verifyKey();
    await granted.close();
    const tokens = kms.server.requests.slice(1).map(({ input }) => input["GrantTokens"]);
    expect(tokens).toEqual(Array.from({ length: 3 }, () => ["another-token", "a-grant-token"]));
  });

  test("with the credentials that were given, also where the environment has others", async () => {
    process.env["AWS_ACCESS_KEY_ID"] = "AKIAENVIRONMENT00000";
    process.env["AWS_SECRET_ACCESS_KEY"] = "environment-secret";
    try {
      await signer.signDigest(DIGEST);
      await signer.connect(null).signDigest(DIGEST);
    } finally {
      delete process.env["AWS_ACCESS_KEY_ID"];
      delete process.env["AWS_SECRET_ACCESS_KEY"];
    }
    for (const { headers } of kms.server.requests) {
      expect(headers.authorization).toContain(`Credential=${CREDENTIALS.accessKeyId}/`);
    }
  });

  test("a key alone: the digest is exactly 32 bytes, and the caller's to change", async () => {
    const key = new KmsKey(kms.options());
    expect(await rejectionOf(key.signDigest(new Uint8Array(31)))).toMatchObject({ code: "INVALID_ARGUMENT" });
    const digest = getBytes(DIGEST);
    const signing = key.signDigest(digest);
    digest.fill(0);
    await signing;
    expect(kms.server.requests.at(-1)?.input["Message"]).toBe(Buffer.from(getBytes(DIGEST)).toString("base64"));
    await key.close();
    expect(await rejectionOf(key.getPublicKey())).toMatchObject({ code: "SIGNER_CLOSED" });
    expect(await rejectionOf(key.signDigest(getBytes(DIGEST)))).toMatchObject({ code: "SIGNER_CLOSED" });
  });
});

describe("how often KMS is asked", () => {
  test("100 first calls at once: one GetPublicKey, and one Sign for each signature", async () => {
    const calls = Array.from({ length: 100 }, (_, index) => {
      const each = index % 2 === 0 ? signer : signer.connect(null);
      return index < 50 ? each.signMessage(`message ${index}`) : each.getAddress();
    });
    await Promise.all(calls);
    expect(kms.server.count("GetPublicKey")).toBe(1);
    expect(kms.server.count("Sign")).toBe(50);
    expect(kms.server.requests).toHaveLength(51);
  });

  test("one GetPublicKey for all that follow", async () => {
    for (let index = 0; index < 5; index++) await signer.signMessage(`message ${index}`);
    await signer.signTransaction({ to: ADDRESS, from: ADDRESS });
    await signer.getPublicKey();
    expect(kms.server.count("GetPublicKey")).toBe(1);
    expect(kms.server.count("Sign")).toBe(6);
  });

  test("a failed first call is not kept", async () => {
    kms.server.faults.add({ kind: "exception", name: "DisabledException" }, { times: 1 });
    expect(await rejectionOf(signer.getAddress())).toMatchObject({ code: "KEY_UNUSABLE" });
    expect(await signer.getAddress()).toBe(ADDRESS);
    expect(kms.server.count("GetPublicKey")).toBe(2);
  });

  test("the SDK repeats, as often as it is told to and no more", async () => {
    kms.server.faults.add({ kind: "throttle" }, { operation: "Sign", times: 2 });
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(ADDRESS);
    expect(kms.server.count("Sign")).toBe(3);
    const once = new KmsSigner(kms.options({ maxAttempts: 1 }));
    await once.getAddress();
    kms.server.faults.add({ kind: "throttle" }, { operation: "Sign", times: 1 });
    expect(await rejectionOf(once.signDigest(DIGEST))).toMatchObject({ code: "THROTTLED" });
    expect(kms.server.count("Sign")).toBe(4);
    await once.close();
  });

  test.each([
    ["a reset", { kind: "reset" }],
    ["a failure of the service", { kind: "exception", name: "KMSInternalException", status: 500 }],
    ["a gateway's page", { kind: "reply", reply: { status: 503, body: "<html>" } }],
    ["a throttle that says when to come back", { kind: "throttle", retryAfterSeconds: 1 }],
  ] as const)("%s is repeated", async (_name, fault) => {
    await signer.getAddress();
    kms.server.faults.add(fault, { times: 1 });
    const started = performance.now();
    expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(ADDRESS);
    expect(kms.server.count("Sign")).toBe(2);
    if ("retryAfterSeconds" in fault) expect(performance.now() - started).toBeGreaterThan(900);
  });

  test("connections are kept and used again", async () => {
    for (let index = 0; index < 10; index++) await signer.signMessage(`message ${index}`);
    expect(kms.server.connections).toBe(1);
  });
});

describe("shapes of signatures", () => {
  test.each([
    ["high s", { s: "high" }],
    ["low s", { s: "low" }],
    ["r below 2^248", { shortR: true }],
    ["r below 2^248 and high s", { shortR: true, s: "high" }],
  ] as const)("%s", async (_name, shape) => {
    kms.server.faults.add({ kind: "shape", shape });
    for (let index = 0; index < 4; index++) {
      const signature = await signer.signDigest(DIGEST);
      expect(recoverAddress(DIGEST, signature)).toBe(ADDRESS);
      expect(signature.isValid()).toBe(true);
    }
    expect(kms.server.count("Sign")).toBe(4);
  });
});
