import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { id, parseEther, Wallet } from "ethers";
import { KmsServer } from "../servers/aws-kms/kms-server.ts";
import { LoopbackServer } from "../servers/support/loopback-server.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { createToken } from "../support/softhsm-env.ts";
import { run } from "./program.ts";

// What the examples do with --key and --rpc: the SDK and the token are told by the environment alone, as in production.
const SEND_ETH = "examples/send-eth/main.ts";
const SECONDS = 1_000;

let anvil: Anvil;

beforeAll(async () => {
  anvil = await startAnvil();
});

afterAll(() => anvil.stop());

describe("a key of AWS KMS", () => {
  const wallet = new Wallet(id("an example's key in KMS"));
  let server: KmsServer;
  let env: Record<string, string>;

  beforeAll(async () => {
    server = await KmsServer.start();
    server.ring.putAlias("alias/treasury", server.ring.importKey(wallet.privateKey));
    env = {
      AWS_ENDPOINT_URL_KMS: server.url,
      AWS_REGION: server.region,
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLEEXAMPLE00",
      AWS_SECRET_ACCESS_KEY: "example",
    };
  });

  afterAll(() => server.close());

  const send = () => run(SEND_ETH, ["--backend", "aws-kms", "--key", "alias/treasury", "--rpc", anvil.url], env);

  test(
    "without ETH the example says what to send, and sends nothing",
    async () => {
      const { status, output } = await send();
      expect(output).toContain(`${wallet.address} has 0.0 ETH: send 0.01 to it`);
      expect(status).toBe(1);
      expect(await anvil.provider().getTransactionCount(wallet.address)).toBe(0);
    },
    120 * SECONDS,
  );

  test(
    "with ETH it sends",
    async () => {
      await anvil.fund(wallet.address, parseEther("1"));
      const { status, output } = await send();
      expect(output).toContain("All of it is as it should be");
      expect(status).toBe(0);
      expect(await anvil.provider().getTransactionCount(wallet.address)).toBe(1);
    },
    120 * SECONDS,
  );
});

test(
  "a key of a token that the environment names",
  async () => {
    const token = createToken("examples");
    const wallet = new Wallet(id("an example's key in a token"));
    token.importKey(wallet.privateKey, { label: "hot" });
    await anvil.fund(wallet.address, parseEther("1"));
    const parameters = ["--backend", "pkcs11", "--key", "hot", "--rpc", anvil.url];
    const env = { PKCS11_LIBRARY: token.libraryPath, PKCS11_TOKEN: token.label, PKCS11_PIN: token.pin };

    const { status, output } = await run(SEND_ETH, parameters, env);
    expect(output).toContain(wallet.address);
    expect(output).not.toContain(token.pin);
    expect(status).toBe(0);
    expect(await anvil.provider().getTransactionCount(wallet.address)).toBe(1);

    const without = await run(SEND_ETH, parameters, { ...env, PKCS11_PIN: undefined });
    expect(without.output).toContain("PKCS11_PIN is not set");
    expect(without.status).toBe(1);
  },
  120 * SECONDS,
);

test(
  "mainnet is refused before anything is asked of the key",
  async () => {
    const asked: string[] = [];
    const node = await LoopbackServer.start(async ({ body }) => {
      const request = JSON.parse(body) as { id: number; method: string };
      asked.push(request.method);
      const answer = JSON.stringify({ jsonrpc: "2.0", id: request.id, result: "0x1" });
      return { status: 200, headers: { "content-type": "application/json" }, body: answer };
    });
    const { status, output } = await run(SEND_ETH, ["--backend", "aws-kms", "--rpc", node.url]);
    await node.close();
    expect(output).toContain("refuse mainnet");
    expect(status).toBe(1);
    expect(new Set(asked)).toEqual(new Set(["eth_chainId"]));
  },
  120 * SECONDS,
);

test.each([
  [["--backend", "vault"], "--backend must be one of pkcs11, cloudhsm, aws-kms, azure-key-vault"],
  [["--rpc", "nowhere"], "--rpc must be a node's URL"],
  [["--to", "me"], "usage: main.ts [--backend"],
])(
  "%j is told how it is used",
  async (parameters, told) => {
    const { status, output } = await run(SEND_ETH, parameters);
    expect(output).toContain(told);
    expect(status).toBe(2);
  },
  60 * SECONDS,
);
