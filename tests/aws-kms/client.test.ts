import { KMSClient } from "@aws-sdk/client-kms";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { JsonRpcProvider, Wallet } from "ethers";
import { type KmsKeyOptions, KmsSigner, type KmsSignerOptions } from "ethers-hsm/aws-kms";
import { until } from "../support/until.ts";
import { CREDENTIALS, DIGEST, type Kms, PRIVATE_KEY, rejectionOf, startKms } from "./support.ts";

const ADDRESS = new Wallet(PRIVATE_KEY).address;

let kms: Kms;

beforeEach(async () => {
  kms = await startKms();
});

afterEach(async () => {
  jest.restoreAllMocks();
  await kms.server.close();
});

function ownClient(): KMSClient {
  return new KMSClient({ region: kms.server.region, endpoint: kms.server.url, credentials: CREDENTIALS });
}

describe("construction", () => {
  test("does no I/O, not even for what cannot work", async () => {
    const signer = new KmsSigner({ keyId: "alias/none", endpoint: "http://127.0.0.1:1", region: "nowhere-1" });
    expect(signer.provider).toBeNull();
    expect(JSON.parse(JSON.stringify(signer))).toEqual({ backend: "aws-kms", keyId: "alias/none" });
    await signer.close();
  });

  test("create is the same, and fetches the public key", async () => {
    const provider = new JsonRpcProvider("http://127.0.0.1:1", 1, { staticNetwork: true });
    const signer = await KmsSigner.create(kms.options(), provider);
    expect(signer).toBeInstanceOf(KmsSigner);
    expect(signer.provider).toBe(provider);
    expect(kms.server.requests.map(({ operation }) => operation)).toEqual(["GetPublicKey"]);
    expect(await signer.getAddress()).toBe(ADDRESS);
    expect(kms.server.requests).toHaveLength(1);
    await signer.close();
    provider.destroy();
  });

  test("create fails fast, and closes its client", async () => {
    const destroy = jest.spyOn(KMSClient.prototype, "destroy");
    const options = kms.options({ keyId: "alias/missing" });
    expect(await rejectionOf(KmsSigner.create(options))).toMatchObject({ code: "KEY_NOT_FOUND" });
    expect(destroy).toHaveBeenCalledTimes(1);
    await until(() => kms.server.openConnections === 0);
  });

  test.each<[string, Partial<Record<keyof KmsSignerOptions, unknown>>, string, RegExp]>([
    ["no keyId", { keyId: undefined }, "keyId", /key ARN/],
    ["an empty keyId", { keyId: "" }, "keyId", /key ARN/],
    ["a keyId that is too long", { keyId: "a".repeat(2049) }, "keyId", /key ARN/],
    ["a keyId that is not a string", { keyId: 7 }, "keyId", /key ARN/],
    ["an endpoint that is not a URL", { endpoint: "kms.planted-secret" }, "endpoint", /must be a URL/],
    ["grant tokens that are no list", { grantTokens: "planted-secret" }, "grantTokens", /array of strings/],
    ["a grant token that is not a string", { grantTokens: [7] }, "grantTokens", /array of strings/],
    ["a timeout that is none", { timeout: 0 }, "timeout", /milliseconds/],
    ["an expectedAddress that is none", { expectedAddress: "0x12" }, "address", /invalid address/],
  ])("refuses %s", (_name, options, argument, message) => {
    const create = () => new KmsSigner({ ...kms.options(), ...options } as KmsSignerOptions);
    expect(create).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument }));
    expect(create).toThrow(message);
    expect(create).not.toThrow(/planted-secret/);
  });

  test("refuses a client together with a client's configuration, which it does not show", () => {
    const client = ownClient();
    const both = () => new KmsSigner({ ...kms.options(), client });
    expect(both).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "client" }));
    expect(both).toThrow(/pass either client or region, endpoint, credentials/);
    expect(both).not.toThrow(new RegExp(CREDENTIALS.secretAccessKey));
    const noClient = { keyId: kms.key.keyId, client: {} as KMSClient };
    expect(() => new KmsSigner(noClient)).toThrow(/client must be a KMSClient/);
  });
});

describe("everything that KMSClient accepts", () => {
  test("reaches it", async () => {
    const requested: string[] = [];
    const logger = {
      debug() {},
      warn() {},
      error() {},
      info: (entry: { commandName: string }) => requested.push(entry.commandName),
    };
    const signer = new KmsSigner(kms.options({ logger, maxAttempts: 1, retryMode: "standard" }));
    await signer.signDigest(DIGEST);
    await signer.close();
    expect(requested).toEqual(["GetPublicKeyCommand", "SignCommand"]);
  });

  test("absent options are left to the SDK", async () => {
    process.env["AWS_REGION"] = kms.server.region;
    process.env["AWS_ENDPOINT_URL_KMS"] = kms.server.url;
    process.env["AWS_ACCESS_KEY_ID"] = "AKIAENVIRONMENT00000";
    process.env["AWS_SECRET_ACCESS_KEY"] = "environment-secret";
    try {
      const absent = { region: undefined, endpoint: undefined, credentials: undefined, client: undefined };
      const signer = new KmsSigner({ ...absent, keyId: kms.key.keyId });
      expect(await signer.getAddress()).toBe(ADDRESS);
      await signer.close();
    } finally {
      for (const name of ["AWS_REGION", "AWS_ENDPOINT_URL_KMS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
        delete process.env[name];
      }
    }
  });

  test("credentials may be a provider, asked when they are needed", async () => {
    const credentials = jest.fn(async () => CREDENTIALS);
    const signer = new KmsSigner(kms.options({ credentials }));
    expect(credentials).not.toHaveBeenCalled();
    expect(await signer.getAddress()).toBe(ADDRESS);
    expect(credentials).toHaveBeenCalled();
    await signer.close();
  });
});

describe("the client", () => {
  test("is one for all signers that connect() makes, and close() ends it for all", async () => {
    const destroy = jest.spyOn(KMSClient.prototype, "destroy");
    const signer = new KmsSigner(kms.options());
    const other = signer.connect(null).connect(null);
    expect(other).toBeInstanceOf(KmsSigner);
    await signer.signDigest(DIGEST);
    await other.signDigest(DIGEST);
    expect(kms.server.connections).toBe(1);
    await Promise.all([other.close(), signer.close(), signer.close()]);
    expect(destroy).toHaveBeenCalledTimes(1);
    await until(() => kms.server.openConnections === 0);
    for (const each of [signer, other]) {
      expect(await rejectionOf(each.signDigest(DIGEST))).toMatchObject({ code: "SIGNER_CLOSED" });
      expect(await rejectionOf(each.getAddress())).toMatchObject({ code: "SIGNER_CLOSED" });
    }
    expect(kms.server.requests).toHaveLength(3);
  });

  test("a signature in flight is not cut off by close()", async () => {
    const signer = new KmsSigner(kms.options());
    await signer.getAddress();
    kms.server.faults.add({ kind: "slow", ms: 100 });
    const signing = signer.signDigest(DIGEST);
    await until(() => kms.server.count("Sign") === 1);
    await signer.close();
    expect((await signing).isValid()).toBe(true);
  });

  test("a user's own is used as it is, may be shared, and is never ended", async () => {
    const client = ownClient();
    const destroy = jest.spyOn(client, "destroy");
    const key = kms.server.ring.importKey(`0x${"07".repeat(32)}`);
    const signers = [kms.key, key].map(({ keyId }) => new KmsSigner({ client, keyId }));
    const addresses = await Promise.all(signers.map((signer) => signer.getAddress()));
    expect(addresses).toEqual([ADDRESS, new Wallet(`0x${"07".repeat(32)}`).address]);
    for (const signer of signers) await signer.close();
    expect(destroy).not.toHaveBeenCalled();
    expect(await new KmsSigner({ client, keyId: kms.key.arn }).getAddress()).toBe(ADDRESS);
    client.destroy();
  });

  test("two signers of one key id in two Regions do not mix", async () => {
    const elsewhere = await startKms({ region: "us-east-1" });
    const other = elsewhere.server.ring.importKey(`0x${"07".repeat(32)}`);
    kms.server.ring.putAlias("alias/treasury", kms.key);
    elsewhere.server.ring.putAlias("alias/treasury", other);
    const keyId = "alias/treasury";
    const options: KmsKeyOptions[] = [kms.options({ keyId }), elsewhere.options({ keyId })];
    const signers = options.map((each) => new KmsSigner(each));
    const addresses = await Promise.all(signers.map((signer) => signer.getAddress()));
    expect(new Set(addresses).size).toBe(2);
    for (const signer of signers) await signer.close();
    await elsewhere.server.close();
  });
});

test("without the SDK the error says what to install, and a later call tries again", async () => {
  jest.resetModules();
  jest.doMock("@aws-sdk/client-kms", () => {
    throw Object.assign(new Error("Cannot find module '@aws-sdk/client-kms'"), { code: "MODULE_NOT_FOUND" });
  });
  const { KmsSigner: Fresh } = await import("ethers-hsm/aws-kms");
  const signer = new Fresh(kms.options());
  const error = await rejectionOf(signer.getAddress());
  expect(error).toMatchObject({ code: "DEPENDENCY_MISSING", backend: "aws-kms", retryable: false });
  expect(String(error)).toContain("npm install @aws-sdk/client-kms");
  jest.dontMock("@aws-sdk/client-kms");
  expect(await signer.getAddress()).toBe(ADDRESS);
  await signer.close();
});
