import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { formatUnits, JsonRpcProvider, parseEther } from "ethers";
import { withNonces } from "../../src/nonces/nonce-signer.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { CREDENTIALS, type Kms, PRIVATE_KEY, startKms } from "../aws-kms/support.ts";
import { clients, type OpenStore } from "../nonces/support/shared-stores.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { type Database, missingDatabase, startPostgres, startRedis } from "../support/databases.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { CommandLine } from "./support/command.ts";

const TO = "0x000000000000000000000000000000000000dEaD";

let kms: Kms;
let anvil: Anvil;
let provider: JsonRpcProvider;
let cli: CommandLine;

beforeAll(async () => {
  [kms, anvil] = await Promise.all([startKms(), startAnvil()]);
  provider = anvil.provider();
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  cli = new CommandLine({
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ETHERS_HSM_KEY: `aws-kms:${kms.key.keyId}?region=eu-west-1&endpoint=${kms.server.url}`,
    ETHERS_HSM_RPC: anvil.url,
  });
});

afterAll(() => Promise.all([anvil.stop(), kms.server.close()]));

describe.each([
  ["Postgres", "pg"],
  ["Redis", "redis"],
] as const)("nonces, over %s", (name, client) => {
  const testWithServer = missingDatabase(name) === undefined ? test : test.skip;
  let database: Database;
  let open: OpenStore;
  let env: Record<string, string>;

  beforeAll(async () => {
    if (missingDatabase(name) !== undefined) return;
    database = name === "Postgres" ? await startPostgres() : await startRedis();
    open = await clients[client](database.port);
    const url =
      name === "Postgres"
        ? `postgres://postgres@127.0.0.1:${database.port}/postgres`
        : `redis://127.0.0.1:${database.port}`;
    env = { ETHERS_HSM_NONCES: url };
    await provider.send("evm_setAutomine", [false]);
  });
  afterAll(async () => {
    await open?.close();
    await database?.stop();
  });

  testWithServer("status, replace, cancel and reconcile", async () => {
    const signer = withNonces(new RemoteSigner(new MemoryKey(PRIVATE_KEY), provider), open.store);
    const address = await signer.getAddress();
    await anvil.fund(address, parseEther("10"));
    const request = { to: TO, value: 1n, customData: { idempotencyKey: "invoice 1" } };
    const sent = await signer.sendTransaction(request);
    const { hash, nonce } = sent;

    const status = await cli.json(["nonces", "status"], { env });
    const record = { nonce, state: "accepted", hash, attempts: 1, to: TO, value: "1", idempotencyKey: "invoice 1" };
    expect(status).toEqual({ address, next: nonce + 1, records: [expect.objectContaining(record)] });
    const { stdout } = await cli.run(["nonces", "status"], { env });
    expect(stdout).toContain(`${address}: 1 open, next nonce ${nonce + 1}\n\nnonce  state`);
    expect(stdout).toContain(`accepted  ${hash}  1         invoice 1  1 wei to ${TO}`);

    const replaced = await cli.json(["nonces", "replace", "--hash", hash, "--max-fee-per-gas", "100gwei"], { env });
    const gwei = (fee: unknown) => formatUnits(BigInt(String(fee)), "gwei");
    const before = {
      ...{ hash, to: TO, value: "1", gasLimit: "21000" },
      maxFeePerGasGwei: gwei(sent.maxFeePerGas),
      maxPriorityFeePerGasGwei: gwei(sent.maxPriorityFeePerGas),
      highestCost: String(1n + 21_000n * BigInt(sent.maxFeePerGas ?? 0n)),
    };
    const raised = await provider.getTransaction(String(replaced["hash"]));
    const higher = {
      maxFeePerGasGwei: gwei(raised?.maxFeePerGas),
      highestCost: String(1n + 21_000n * BigInt(raised?.maxFeePerGas ?? 0n)),
    };
    expect(replaced).toMatchObject({ nonce, replaced: before, replacement: { to: TO, value: "1", ...higher } });
    expect(BigInt(raised?.maxFeePerGas ?? 0n)).toBeGreaterThan(BigInt(sent.maxFeePerGas ?? 0n));

    const args = ["nonces", "cancel", "--hash", String(replaced["hash"]), "--max-fee-per-gas", "100gwei"];
    const cancellation = await cli.run(args, { env });
    expect(cancellation.stderr).toMatch(
      /^\s+pending\s+replacement\nto\s+0x\S+\s+0x\S+\nvalue\s+0\.0{17}1 ether\s+0\.0 ether\nmax fee per gas\s+[\d.]+ gwei\s+[\d.]+ gwei\n/,
    );
    expect(cancellation.stderr).toMatch(/^highest cost\s+0\.0\d+ ether\s+0\.0\d+ ether$/m);
    const [cancelled] = cancellation.stdout.split(" ");
    await provider.send("evm_mine", []);
    const after = await cli.json(["nonces", "reconcile"], { env });
    expect(after["records"]).toEqual([expect.objectContaining({ state: "mined", hash: cancelled, attempts: 3 })]);
  });

  testWithServer("on a chain with money the fees are shown, and asked for, before the key signs", async () => {
    await provider.send("anvil_setChainId", [1]);
    const mainnet = new JsonRpcProvider(anvil.url, 1, { staticNetwork: true });
    const signer = withNonces(new RemoteSigner(new MemoryKey(PRIVATE_KEY), mainnet), open.store);
    const { hash, nonce } = await signer.sendTransaction({ to: TO, value: 2n });
    const args = ["nonces", "cancel", "--hash", hash, "--max-fee-per-gas", "100gwei", "--json"];
    const { code, stdout } = await cli.atTerminal(args, [{ prompt: "Type yes:", typed: "no" }], { env });
    const { open: records } = await signer.records();
    await provider.send("evm_mine", []);
    await provider.send("anvil_setChainId", [31_337]);
    mainnet.destroy();
    expect(code).toBe(9);
    expect(stdout).toMatch(/highest cost\s+[\d.]+ ether\s+[\d.]+ ether\n.*cancel nonce \d+ on .*Type yes: /);
    expect(records.find((each) => each.nonce === nonce)?.attempts).toHaveLength(1);
  });

  testWithServer("what may cost fees is asked for on a chain with money", async () => {
    await provider.send("anvil_setChainId", [1]);
    const { code, stderr } = await cli.run(["nonces", "reconcile", "--fill"], { env });
    await provider.send("anvil_setChainId", [31_337]);
    expect([code, stderr]).toEqual([9, expect.stringContaining("pass --yes")]);
  });
});

test.each<[args: string[], message: RegExp]>([
  [["nonces"], /the action is missing/],
  [["nonces", "repair"], /must be one of status, reconcile, replace, cancel/],
  [["nonces", "replace"], /--hash is missing/],
  [["nonces", "cancel", "--hash", "0x1"], /--hash must be 0x and 64/],
  [["nonces", "cancel", "--hash", `0x${"1".repeat(64)}`], /--max-fee-per-gas is missing/],
  [["nonces", "status"], /no nonce store is named/],
  [["nonces", "status", "--store", "mysql://localhost"], /must be a URL of postgres:\/\/ or redis:\/\//],
])("%j cannot be right", async (args, message) => {
  const { code, stderr } = await cli.run(args);
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
});

test.each(["postgres://postgres:planted-secret@127.0.0.1:1/postgres", "redis://:planted-secret@127.0.0.1:1"])(
  "a store that cannot be reached: %s",
  async (url) => {
    const { code, stderr } = await cli.run(["nonces", "status", "--store", url]);
    expect([code, stderr]).toEqual([5, expect.stringContaining("the nonce store")]);
    expect(stderr).not.toContain("planted-secret");
  },
);
