import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { KMSClient } from "@aws-sdk/client-kms";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { KmsSigner } from "../../src/aws-kms/index.ts";
import type { AzureKeyVaultKeyStore } from "../../src/azure-key-vault/index.ts";
import { MAX_RESPONSE_BYTES } from "../../src/backend/response-body.ts";
import { openStore } from "../aws-kms/store-support.ts";
import { CREDENTIALS, DIGEST, type Kms, startKms } from "../aws-kms/support.ts";
import { signerFor, startServer } from "../azure-key-vault/setup.ts";
import { putMany, restOf, storeFor } from "../azure-key-vault/store-setup.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { until } from "../support/until.ts";
import { flood } from "./bodies.ts";
import { outcomeOf } from "./outcome.ts";

const INVALID = "BACKEND_RESPONSE_INVALID";
const TIMEOUT = 600_000;
// What the kernels and the streams on both sides hold, beside what is read.
const IN_BETWEEN = 16 * 2 ** 20;
// 64 MB of zeros in 64 kB.
const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20));

function explode(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(bomb);
}

/** The pages of listings that are as long as can be: ARNs and identifiers of the longest Region's keys. */
function longestKeys(count: number): Record<string, unknown> {
  const keys = Array.from({ length: count }, (_, index) => {
    const KeyId = `mrk-${index.toString(16).padStart(32, "0")}`;
    return { KeyId, KeyArn: `arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/${KeyId}` };
  });
  return { Keys: keys, Truncated: false };
}

let kms: Kms;
let vault: KeyVaultServer;

beforeAll(async () => {
  [kms, vault] = await Promise.all([startKms(), startServer()]);
});

afterEach(() => {
  kms.server.faults.clear();
  vault.faults.clear();
});

afterAll(async () => {
  await Promise.all([kms.server.close(), vault.close()]);
});

async function expectFlooded(add: (stream: ReturnType<typeof flood>) => void, call: () => Promise<unknown>) {
  let sent: number | undefined;
  add(
    flood(200, (bytes) => {
      sent = bytes;
    }),
  );
  expect(await outcomeOf(call().then(() => "answered"))).toBe(INVALID);
  await until(() => sent !== undefined);
  expect(sent).toBeLessThan(MAX_RESPONSE_BYTES + IN_BETWEEN);
}

describe("AWS KMS", () => {
  const client = () => {
    const { region, url: endpoint } = kms.server;
    return new KMSClient({ region, endpoint, credentials: CREDENTIALS, maxAttempts: 1 });
  };
  const options = () => ({ ...kms.options({ maxAttempts: 1 }), timeout: TIMEOUT });

  test.each([
    ["GetPublicKey", () => new KmsSigner(options()).getAddress()],
    ["Sign", () => new KmsSigner(options()).signDigest(DIGEST)],
    ["Sign", () => new KmsSigner({ keyId: kms.key.keyId, client: client(), timeout: TIMEOUT }).signDigest(DIGEST)],
    ["ListKeys", () => restOf(openStore(kms.server, { timeout: TIMEOUT }).list())],
    ["ListAliases", () => restOf(openStore(kms.server, { client: client(), timeout: TIMEOUT, ...NO_OPTIONS }).list())],
    ["CreateKey", () => openStore(kms.server, { timeout: TIMEOUT }).createKey()],
  ])("%s takes no more than the limit from a flood", async (operation, call) => {
    await expectFlooded((stream) => kms.server.faults.add({ kind: "stream", stream }, { operation, times: 1 }), call);
  });

  test("a user's own client is as it was, and is not closed", async () => {
    const own = client();
    const before = own.middlewareStack.identify();
    const signer = new KmsSigner({ keyId: kms.key.keyId, client: own, timeout: TIMEOUT });
    await signer.signDigest(DIGEST);
    await signer.close();
    expect(own.middlewareStack.identify()).toEqual(before);
    own.destroy();
  });

  test("a compressed answer is not decompressed", async () => {
    kms.server.faults.add({ kind: "stream", stream: explode }, { operation: "Sign" });
    expect(await outcomeOf(new KmsSigner(options()).signMessage("x"))).toBe(INVALID);
  });

  test("the longest page of keys is no quarter of the limit, and is read", async () => {
    const page = longestKeys(1000);
    expect(JSON.stringify(page).length).toBeLessThan(MAX_RESPONSE_BYTES / 4);
    kms.server.faults.add({ kind: "alter", alter: () => page }, { operation: "ListKeys", times: 1 });
    // None of them has such a name, so that nothing is asked of each.
    expect(await restOf(openStore(kms.server, { namePrefix: "alias/none" }).list())).toEqual([]);
    expect(kms.server.faults.take("ListKeys")).toBeUndefined();
  });
});

// A client brings its own.
const NO_OPTIONS = { region: undefined, endpoint: undefined, credentials: undefined };

describe("Azure Key Vault", () => {
  const options = { timeout: TIMEOUT, retryOptions: { maxRetries: 0 } };
  const store = (): AzureKeyVaultKeyStore => storeFor(vault, options);

  test.each([
    ["getKey", () => signerFor(vault, options).getAddress()],
    ["sign", () => signerFor(vault, options).signDigest(DIGEST)],
    ["listKeys", () => restOf(store().list())],
    ["createKey", () => store().createKey({ name: "another" })],
  ])("%s takes no more than the limit from a flood", async (operation, call) => {
    await expectFlooded((stream) => vault.faults.add({ kind: "stream", stream }, { operation, times: 1 }), call);
  });

  test("the later pages of a listing are limited too", async () => {
    putMany(vault, 30);
    const listing = store().list();
    await listing.next();
    await expectFlooded(
      (stream) => vault.faults.add({ kind: "stream", stream }, { operation: "listKeys", times: 1 }),
      () => restOf(listing),
    );
  });

  test("a compressed answer is not decompressed, nor asked for", async () => {
    let asked: string | string[] | undefined;
    const stream = (response: ServerResponse): void => {
      asked = response.req.headers["accept-encoding"];
      explode(response);
    };
    vault.faults.add({ kind: "stream", stream }, { operation: "sign" });
    expect(await outcomeOf(signerFor(vault, options).signMessage("x"))).toBe(INVALID);
    expect(asked).toBe("identity");
  });
});
