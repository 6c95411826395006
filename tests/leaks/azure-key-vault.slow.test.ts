import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { id } from "ethers";
import {
  AzureKeyVaultKeyStore,
  AzureKeyVaultSigner,
  type AzureKeyVaultSignerOptions,
} from "../../src/azure-key-vault/index.ts";
import { optionsFor, startServer, TOKEN } from "../azure-key-vault/setup.ts";
import type { KeyVaultFault } from "../servers/azure-key-vault/faults.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { everyOutcome, expectNoLeak } from "./outcomes.ts";
import { leaksIn, type Planted } from "./planted.ts";
import { Recorder } from "./recorder.ts";

// Read by the SDK when it is loaded, which is at the first call.
process.env["AZURE_LOG_LEVEL"] = "verbose";

const IMPORTED = id("an account that moves into Key Vault");
const CLIENT_SECRET = "planted~client.secret/+";
const secrets: readonly Planted[] = [
  { name: "bearer token", value: TOKEN },
  { name: "clientSecret", value: CLIENT_SECRET },
  { name: "imported private key", value: IMPORTED },
];

let server: KeyVaultServer;
let recorder: Recorder;

beforeAll(async () => {
  server = await startServer();
  recorder = new Recorder();
});

afterEach(() => server.faults.clear());

afterAll(async () => {
  recorder.stop();
  await server.close();
  // The SDK did speak: at that level it tells of every request.
  expect(recorder.text).toContain("azure");
  expect(leaksIn(recorder.text, secrets)).toEqual([]);
});

const base = { timeout: 1_500, retryOptions: { maxRetries: 0 } };
const servicePrincipal: AzureKeyVaultSignerOptions = {
  credential: undefined,
  tenantId: "11111111-2222-4333-8444-555555555555",
  clientId: "22222222-2222-4333-8444-555555555555",
  clientSecret: CLIENT_SECRET,
  proxyOptions: { host: "http://127.0.0.1", port: 9 },
};
const repeating = { error: { code: "Unauthorized", message: `the header was Authorization: Bearer ${TOKEN}` } };

const failures: readonly (readonly [string, KeyVaultFault | undefined, AzureKeyVaultSignerOptions])[] = [
  ["success", undefined, {}],
  ["access denied", { kind: "error", status: 403, code: "Forbidden", innerCode: "ForbiddenByRbac", message: "no" }, {}],
  [
    "a token that is refused, and repeated",
    { kind: "reply", reply: { status: 401, body: JSON.stringify(repeating) } },
    {},
  ],
  ["throttled", { kind: "throttle", retryAfter: 1 }, {}],
  ["a timeout", "hang", {}],
  ["a broken connection", "reset", {}],
  ["no JSON", { kind: "reply", reply: { status: 200, body: "<html>" } }, {}],
  ["another key's signature", { kind: "value", value: "A".repeat(86) }, {}],
  ["a refused connection", undefined, { vaultUrl: "http://127.0.0.1:9" }],
  ["a token service that cannot be reached", undefined, servicePrincipal],
  ["a secret alone", undefined, { credential: undefined, clientSecret: CLIENT_SECRET }],
];

test.each(failures)("signing: %s", async (_name, fault, more) => {
  if (fault) server.faults.add(fault);
  const outcomes: unknown[] = [];
  try {
    const signer = new AzureKeyVaultSigner(optionsFor(server, { ...base, ...more }));
    outcomes.push(...(await everyOutcome(signer)));
    await signer.close();
  } catch (error) {
    outcomes.push(error);
  }
  expect(outcomes).not.toEqual([]);
  expectNoLeak(outcomes, secrets);
});

describe("importing a key", () => {
  test.each([["getKey"], ["importKey"], ["sign"], [undefined]])("that fails at %s", async (operation) => {
    const { keyName: _name, ...options } = optionsFor(server, base);
    const store = new AzureKeyVaultKeyStore(options as ConstructorParameters<typeof AzureKeyVaultKeyStore>[0]);
    const repeated = {
      status: 400,
      body: JSON.stringify({ error: { code: "BadParameter", message: operation === "getKey" ? "no" : jwk(IMPORTED) } }),
    };
    if (operation) server.faults.add({ kind: "reply", reply: repeated }, { operation });
    const outcome = await store
      .importKey(IMPORTED, { name: `moved-${operation ?? "well"}` })
      .catch((error: unknown) => error);
    expectNoLeak([store, outcome, await store.health()], secrets);
    await store.close();
  });
});

/** The service's refusal could repeat what it was sent. */
function jwk(privateKey: string): string {
  return `the key is not valid: {"d":"${Buffer.from(privateKey.slice(2), "hex").toString("base64url")}"}`;
}
