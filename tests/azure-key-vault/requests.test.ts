import { KeyClient } from "@azure/keyvault-keys";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { verifyMessage, Wallet } from "ethers";
import { AzureKeyVaultKey, AzureKeyVaultSigner } from "../../src/azure-key-vault/index.ts";
import type { KeyVaultServer } from "../servers/azure-key-vault/server.ts";
import { KEY_NAME, optionsFor, PRIVATE_KEY, StaticCredential, signerFor, startServer } from "./setup.ts";

const { address } = new Wallet(PRIVATE_KEY);

let server: KeyVaultServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await server.close();
});

function requests(): string[] {
  return server.log.map(({ method, operation }) => `${method} ${operation}`);
}

function emptyPosts() {
  return server.log.filter(({ method, bodyLength }) => method === "POST" && bodyLength === 0);
}

const CHALLENGE =
  'Bearer authorization="https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555", ' +
  'resource="https://vault.azure.net"';

describe("requests", () => {
  test("neither the constructor nor connect() sends any", async () => {
    const signer = signerFor(server);
    expect(signer.connect(null).keyId).toBe(`${server.url}/keys/${KEY_NAME}`);
    await signer.close();
    expect(server.connections).toBe(0);
  });

  test("the first call is challenged and gets the key; each signature is exactly one POST", async () => {
    const signer = signerFor(server);
    expect(await signer.getAddress()).toBe(address);
    expect(requests()).toEqual(["GET challenge", "GET getKey"]);
    for (let index = 0; index < 3; index++) await signer.signMessage(`message ${index}`);
    expect(requests().slice(2)).toEqual(["POST sign", "POST sign", "POST sign"]);
    await signer.close();
  });

  test("100 parallel first calls get the key once, and no request has an empty body", async () => {
    const signer = signerFor(server);
    const messages = Array.from({ length: 100 }, (_, index) => `message ${index}`);
    const signatures = await Promise.all(messages.map((message) => signer.signMessage(message)));
    for (const [index, signature] of signatures.entries()) {
      expect(verifyMessage(messages[index] ?? "", signature)).toBe(address);
    }
    expect(server.count("challenge")).toBe(1);
    expect(server.count("getKey")).toBe(1);
    expect(server.count("sign")).toBe(100);
    expect(emptyPosts()).toEqual([]);
    await signer.close();
  });

  test("parallel first signatures by a bare key are never sent with an empty body either", async () => {
    const key = new AzureKeyVaultKey(optionsFor(server));
    await Promise.all(Array.from({ length: 20 }, () => key.signDigest(new Uint8Array(32).fill(7))));
    expect(server.count("sign")).toBe(20);
    expect(emptyPosts()).toEqual([]);
    await key.close();
  });

  test("first calls after a failed first call are never sent with an empty body", async () => {
    const signer = signerFor(server, { retryOptions: { maxRetries: 0 } });
    server.faults.add("reset", { times: 1 });
    await expect(signer.getAddress()).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE" });
    await Promise.all(Array.from({ length: 20 }, (_, index) => signer.signMessage(`${index}`)));
    expect(emptyPosts()).toEqual([]);
    await signer.close();
  });

  test("an expired token is replaced once for all that wait, and each digest is sent once", async () => {
    const credential = new StaticCredential();
    credential.lifetime = 0;
    const signer = signerFor(server, { credential });
    await signer.getAddress();
    const before = credential.scopes.length;
    await Promise.all(Array.from({ length: 20 }, (_, index) => signer.signMessage(`${index}`)));
    expect(credential.scopes.length - before).toBe(1);
    expect(server.count("sign")).toBe(20);
    expect(emptyPosts()).toEqual([]);
    await signer.close();
  });

  test.each([
    ["a repeated challenge", CHALLENGE],
    ["a challenge for more claims (CAE)", `Bearer realm="", error="insufficient_claims", claims="${btoa("{}")}"`],
  ])("%s among parallel signatures is answered with the whole body", async (_name, challenge) => {
    const signer = signerFor(server);
    await signer.getAddress();
    const reply = {
      status: 401,
      headers: { "www-authenticate": challenge, "content-type": "application/json" },
      body: "{}",
    };
    server.faults.add({ kind: "reply", reply }, { operation: "sign", times: 1 });
    await Promise.all(Array.from({ length: 10 }, (_, index) => signer.signMessage(`${index}`)));
    expect(server.count("sign")).toBe(11);
    expect(emptyPosts()).toEqual([]);
    await signer.close();
  });

  test("the credential is asked for the scope and the tenant of the challenge, once", async () => {
    const credential = new StaticCredential();
    const signer = signerFor(server, { credential });
    await Promise.all(Array.from({ length: 10 }, (_, index) => signer.signMessage(`${index}`)));
    expect(credential.scopes).toEqual([["https://vault.azure.net/.default"]]);
    expect(credential.tenants).toEqual(["11111111-2222-4333-8444-555555555555"]);
    await signer.close();
  });

  test("connected signers share the client, the key and the connections", async () => {
    const signer = signerFor(server);
    await signer.signMessage("one");
    for (let index = 0; index < 5; index++) await signer.connect(null).signMessage("more");
    expect(server.count("getKey")).toBe(1);
    expect(server.count("challenge")).toBe(1);
    expect(server.connections).toBe(1);
    await signer.close();
  });
});

describe("close", () => {
  test("later calls fail", async () => {
    const signer = signerFor(server);
    await Promise.all(Array.from({ length: 5 }, (_, index) => signer.signMessage(`${index}`)));
    await signer.close();
    await signer.close();
    for (const each of [signer, signer.connect(null)]) {
      await expect(each.signMessage("x")).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
    }
  });

  test("it waits for the calls in flight", async () => {
    const signer = signerFor(server);
    await signer.getAddress();
    server.faults.add({ kind: "slow", ms: 50 }, { operation: "sign" });
    const signing = signer.signMessage("slow");
    await new Promise((resolve) => setTimeout(resolve, 10));
    await signer.close();
    expect(verifyMessage("slow", await signing)).toBe(address);
  });

  test("before the first call there is nothing to end", async () => {
    const signer = signerFor(server);
    await signer.close();
    await expect(signer.getAddress()).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
    expect(server.connections).toBe(0);
  });
});

describe("a client of the caller's own", () => {
  const keyClient = () =>
    new KeyClient(server.url, new StaticCredential(), {
      allowInsecureConnection: true,
      disableChallengeResourceVerification: true,
    });

  test("it needs no more requests, and is not closed", async () => {
    const client = keyClient();
    const signer = new AzureKeyVaultSigner({ client, keyName: KEY_NAME });
    await Promise.all(Array.from({ length: 20 }, (_, index) => signer.signMessage(`${index}`)));
    expect(requests().filter((each) => each !== "POST sign")).toEqual(["GET challenge", "GET getKey"]);
    expect(server.count("sign")).toBe(20);
    const open = server.openConnections;
    await signer.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.openConnections).toBe(open);
    expect((await client.getKey(KEY_NAME)).name).toBe(KEY_NAME);
  });

  test("it serves several keys", async () => {
    server.vault.put("other");
    const client = keyClient();
    const signers = [KEY_NAME, "other"].map((keyName) => new AzureKeyVaultSigner({ client, keyName }));
    const [one, other] = await Promise.all(signers.map((signer) => signer.getAddress()));
    expect(one).toBe(address);
    expect(other).not.toBe(address);
    expect(server.count("getKey")).toBe(2);
  });
});
