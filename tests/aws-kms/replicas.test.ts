import { request as httpRequest } from "node:http";
import { buffer } from "node:stream/consumers";
import { KMSClient, type KMSClientConfig } from "@aws-sdk/client-kms";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, recoverAddress } from "ethers";
import { KmsSigner, type KmsSignerOptions } from "ethers-hsm/aws-kms";
import { CREDENTIALS, DIGEST, type Kms, PRIVATE_KEY, rejectionOf, startKms } from "./support.ts";

const ADDRESS = computeAddress(PRIVATE_KEY);
const REGIONS = ["eu-west-1", "eu-central-1"] as const;

let servers: Kms[];

beforeAll(async () => {
  servers = await Promise.all(REGIONS.map((region) => startKms({ region })));
  for (const { server, key } of servers) server.ring.putAlias("alias/treasury", key);
});

afterEach(() => {
  for (const { server } of servers) server.faults.clear();
});

afterAll(() => Promise.all(servers.map(({ server }) => server.close())));

interface Sent {
  readonly hostname: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string | Uint8Array;
}

/** Sends what is for a Region's endpoint to that Region's server. */
const byRegion = {
  async handle({ hostname, method, path, headers, body }: Sent) {
    const region = REGIONS.findIndex((name) => hostname === `kms.${name}.amazonaws.com`);
    const url = new URL(path, servers[region]?.server.url);
    const response = await new Promise<{ statusCode: number; headers: Record<string, string>; body: Uint8Array }>(
      (resolve, reject) => {
        const sending = httpRequest(url, { method, headers }, async (message) => {
          const answer = { statusCode: message.statusCode ?? 0, headers: message.headers as Record<string, string> };
          resolve({ ...answer, body: new Uint8Array(await buffer(message)) });
        });
        sending.on("error", reject).end(body);
      },
    );
    return { response };
  },
} as unknown as NonNullable<KMSClientConfig["requestHandler"]>;

const options = (more: Partial<KmsSignerOptions> = {}): KmsSignerOptions => ({
  ...{ keyId: "alias/treasury", region: "eu-west-1", replicas: ["eu-central-1"], expectedAddress: ADDRESS },
  ...{ credentials: CREDENTIALS, maxAttempts: 1, requestHandler: byRegion, ...more },
});

const signs = () => servers.map(({ server }) => server.count("Sign"));

test("the key's own Region signs; if KMS fails there, the next one does, and the signature is the account's", async () => {
  const signer = new KmsSigner(options());
  expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(ADDRESS);
  expect(signs()).toEqual([1, 0]);
  servers[0]?.server.faults.add({ kind: "exception", name: "KMSInternalException", status: 500 });
  expect(recoverAddress(DIGEST, await signer.signDigest(DIGEST))).toBe(ADDRESS);
  expect(signs()).toEqual([2, 1]);
  expect(await signer.health()).toMatchObject({ ready: true });
  await signer.close();
  expect(await rejectionOf(signer.signDigest(DIGEST))).toMatchObject({ code: "SIGNER_CLOSED" });
});

test("if no Region has the key, the error names each", async () => {
  const signer = new KmsSigner(options({ keyId: "mrk-1234abcd12ab34cd56ef1234567890ab" }));
  const error = await rejectionOf(signer.signDigest(DIGEST));
  expect(error).toMatchObject({
    code: "KEY_NOT_FOUND",
    info: { replicas: [{ keyId: expect.stringMatching("mrk-") }, {}] },
  });
  await signer.close();
});

describe("options that cannot be right", () => {
  const arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

  test.each<[string, Partial<KmsSignerOptions>, string]>([
    ["no replica", { replicas: [] }, "replicas"],
    ["a replica that is not a Region", { replicas: ["eu west"] }, "replicas"],
    ["no expectedAddress", { expectedAddress: undefined }, "expectedAddress"],
    ["a key of one Region", { keyId: arn }, "keyId"],
    ["a key id of one Region", { keyId: "1234abcd-12ab-34cd-56ef-1234567890ab" }, "keyId"],
    ["an endpoint for all", { endpoint: "http://127.0.0.1:1" }, "replicas"],
    ["a client for all", { client: new KMSClient({ region: "eu-west-1" }) }, "replicas"],
  ])("%s", (_name, more, argument) => {
    expect(() => new KmsSigner(options(more))).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument }));
  });
});
