// examples/azure as a user who copied it has it: compiled, its own tests run (the templates against the models of Azure's SDKs),
// bundled, and the bundle called as the Functions host calls it, with a managed identity's endpoint, a server that speaks Key Vault's
// protocol, and anvil.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, id, parseEther, Transaction } from "ethers";
import { selfSignedCertificate } from "../servers/azure-key-vault/certificate.ts";
import { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { Child } from "./support/child.ts";
import { ALL_PASSED, CopiedExample, nodeOf } from "./support/copied-example.ts";
import { ManagedIdentity } from "./support/managed-identity.ts";

interface Ready {
  readonly version: string;
  readonly functions: readonly string[];
  readonly bindings: Readonly<Record<string, { readonly type: string }>>;
}
interface Resource {
  readonly type: string;
  readonly properties: { readonly permissions?: unknown };
}
type Reply = { readonly status: number; readonly body: string };
type App = Child<Ready, { readonly body: string }, Reply>;

const PRIVATE_KEY = id("the account of the Azure example");
const ADDRESS = computeAddress(PRIVATE_KEY);
const RECIPIENT = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
const HOST = "treasury-vault.vault.azure.net";
const TOKEN = "token-of-the-managed-identity";
const PAYMENT = { amount: "0.25", dst_address: RECIPIENT, nonce: 0 };
const FEES = { max_fee_per_gas: "30", max_priority_fee_per_gas: "1.5" };

const example = new CopiedExample("azure");
let identity: ManagedIdentity;
let server: KeyVaultServer;
let anvil: Anvil;
const apps: App[] = [];

beforeAll(async () => {
  example.npmRun("build");
  identity = await ManagedIdentity.start(TOKEN);
  server = await KeyVaultServer.start({ tls: selfSignedCertificate() });
  // The name by which it is asked, and names its keys.
  const url = server.url.replace("127.0.0.1", HOST);
  Object.defineProperty(server, "url", { value: url });
  server.tokens.add(TOKEN);
  server.vault.put("treasury", { privateKey: PRIVATE_KEY, keyOps: ["sign", "verify"] });
  anvil = await startAnvil();
});

afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
  server.faults.clear();
});

afterAll(async () => {
  await anvil?.stop();
  await server?.close();
  await identity?.close();
});

function start(more: Readonly<Record<string, string>> = {}): App {
  const app: App = new Child({
    node: nodeOf(22),
    program: "function-host.mjs",
    args: [example.folder, example.file("dist/handler.cjs")],
    env: {
      ...identity.env,
      AZURE_TOKEN_CREDENTIALS: "ManagedIdentityCredential",
      KEY_ID: server.kid("treasury"),
      CHAIN_ID: "31337",
      // The server's certificate is its own.
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
      PUBLIC_HOST: HOST,
      ...more,
    },
  });
  apps.push(app);
  return app;
}

async function post(app: App, request: unknown): Promise<{ status: number; answer: Record<string, unknown> }> {
  await app.ready;
  const { status, body } = await app.ask({ body: typeof request === "string" ? request : JSON.stringify(request) });
  return { status, answer: JSON.parse(body) };
}

describe("the copied example", () => {
  test("compiles", () => {
    expect(example.npmRun("types")).toContain("tsc");
  });

  test("passes its own tests", () => {
    expect(example.npmRun("test")).toMatch(ALL_PASSED);
  });

  test("grants what examples/policies says that signing needs", () => {
    const policies = join(process.cwd(), "examples/policies/azure-key-vault");
    const read = (...path: readonly string[]) => JSON.parse(readFileSync(join(...path), "utf8"));
    const { resources } = read(example.file("infrastructure/vault.json")) as { resources: Resource[] };
    const role = resources.find(({ type }) => type === "Microsoft.Authorization/roleDefinitions");
    const { Actions, NotActions, DataActions, NotDataActions } = read(policies, "sign.role.json");
    expect(role?.properties.permissions).toEqual([
      { actions: Actions, notActions: NotActions, dataActions: DataActions, notDataActions: NotDataActions },
    ]);
    expect(read(example.file("infrastructure/managed-hsm-role.json"))).toEqual(
      read(policies, "managed-hsm-sign.role.json"),
    );
  });

  test("pays by the same code as the Lambda", () => {
    const lambda = join(process.cwd(), "examples/aws-cdk-lambda/payments");
    const files = readdirSync(lambda).sort();
    expect(readdirSync(example.file("payments")).sort()).toEqual(files);
    for (const file of files) {
      expect(readFileSync(example.file("payments", file), "utf8")).toBe(readFileSync(join(lambda, file), "utf8"));
    }
  });
});

describe("the function, on the Node that the guide creates the app with", () => {
  test("is one that is posted to, with a key of the app", async () => {
    const { version, functions, bindings } = await start().ready;
    expect(version).toMatch(/^v22\./);
    expect(readFileSync(example.file("README.md"), "utf8")).toContain("--runtime node --runtime-version 22");
    expect(functions).toEqual(["payments"]);
    const trigger = Object.values(bindings).find(({ type }) => type === "httpTrigger");
    expect(trigger).toMatchObject({ methods: ["POST"], authLevel: "function" });
  });

  test("says the account's address, with the token of the managed identity", async () => {
    const app = start();
    const before = identity.resources.length;
    expect(await post(app, { operation: "status" })).toEqual({
      status: 200,
      answer: { address: ADDRESS, chain_id: 31337 },
    });
    expect(identity.resources.slice(before)).toEqual(["https://vault.azure.net"]);
  });

  test("signs, and keeps its signer and its token from one request to the next", async () => {
    const app = start();
    const before = server.log.length;
    for (const nonce of [5, 6]) {
      const { status, answer } = await post(app, { operation: "sign", ...PAYMENT, nonce, ...FEES });
      expect(status).toBe(200);
      const signed = Transaction.from(String(answer["raw_transaction"]));
      expect(signed).toMatchObject({ from: ADDRESS, to: RECIPIENT, value: parseEther("0.25"), nonce, chainId: 31337n });
    }
    const operations = server.log.slice(before).map(({ operation }) => operation);
    expect(operations).toEqual(["challenge", "getKey", "sign", "sign"]);
  });

  test("sends a payment that is mined, and refuses to pay it again", async () => {
    await anvil.fund(ADDRESS, parseEther("1"));
    const app = start({ RPC_URL: anvil.url });
    const before = await anvil.provider().getBalance(RECIPIENT);
    const { answer } = await post(app, { operation: "send", ...PAYMENT });
    const receipt = await anvil.provider().waitForTransaction(String(answer["hash"]), 1, 10_000);
    expect(receipt).toMatchObject({ status: 1, from: ADDRESS, to: RECIPIENT });
    const again = await post(app, { operation: "send", ...PAYMENT });
    expect(again).toMatchObject({ status: 409, answer: { error: { code: "NONCE_EXPIRED" }, signed: { nonce: 0 } } });
    expect(await anvil.provider().getBalance(RECIPIENT)).toBe(before + parseEther("0.25"));
  });
});

describe("its statuses", () => {
  test("are 400 for what cannot be right, without a request to the vault", async () => {
    const app = start();
    const before = server.log.length;
    for (const body of ["no JSON", "", "[]", { operation: "sign", ...PAYMENT, amount: 1 }, { operation: "x" }]) {
      expect(await post(app, body)).toMatchObject({ status: 400, answer: { error: { code: "INVALID_ARGUMENT" } } });
    }
    const dear = { operation: "sign", ...PAYMENT, ...FEES, max_fee_per_gas: "101" };
    expect(await post(app, dear)).toMatchObject({ status: 400, answer: { error: { code: "LIMIT_EXCEEDED" } } });
    expect(server.log.length).toBe(before);
  });

  test("are 500 for what stays as it is, and the log has the code and no token", async () => {
    const app = start({ EXPECTED_ADDRESS: RECIPIENT });
    expect(await post(app, { operation: "status" })).toMatchObject({
      status: 500,
      answer: { error: { code: "ADDRESS_MISMATCH" } },
    });
    const log = await app.stop();
    expect(log).toContain("ADDRESS_MISMATCH");
    expect(log).not.toContain(TOKEN);
  });

  test("are 503 for what may pass", async () => {
    const app = start();
    await post(app, { operation: "status" });
    server.faults.add("reset", { operation: "sign" });
    expect(await post(app, { operation: "sign", ...PAYMENT, ...FEES })).toMatchObject({
      status: 503,
      answer: { error: { retryable: true } },
    });
  });
});
