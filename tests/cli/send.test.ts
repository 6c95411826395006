import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { computeAddress, formatEther, type JsonRpcProvider, parseEther, toQuantity, Wallet } from "ethers";
import { CREDENTIALS, type Kms, PRIVATE_KEY, startKms } from "../aws-kms/support.ts";
import { LoopbackServer } from "../servers/support/loopback-server.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { startAlteredNode } from "./support/altered-node.ts";
import { CommandLine } from "./support/command.ts";

const ADDRESS = computeAddress(PRIVATE_KEY);
const TO = "0x000000000000000000000000000000000000dEaD";

let kms: Kms;
let anvil: Anvil;
let provider: JsonRpcProvider;
let cli: CommandLine;

beforeAll(async () => {
  [kms, anvil] = await Promise.all([startKms(), startAnvil()]);
  provider = anvil.provider();
  await anvil.fund(ADDRESS, parseEther("100"));
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  cli = new CommandLine({
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ETHERS_HSM_KEY: `aws-kms:${kms.key.keyId}?region=eu-west-1&endpoint=${kms.server.url}`,
    ETHERS_HSM_RPC: anvil.url,
  });
});

beforeEach(() => setChain(31_337));

afterAll(async () => {
  await Promise.all([anvil.stop(), kms.server.close()]);
});

async function setChain(chainId: number): Promise<void> {
  await provider.send("anvil_setChainId", [chainId]);
}

async function received(action: () => Promise<unknown>): Promise<bigint> {
  const before = await provider.getBalance(TO);
  await action();
  return (await provider.getBalance(TO)) - before;
}

describe("send", () => {
  test("sends an amount, waits, and says where it was mined", async () => {
    const got = await received(async () => {
      const document = await cli.json(["send", "--to", TO, "--value", "0.1ether"]);
      expect(document).toEqual({
        ...{
          hash: expect.stringMatching(/^0x[\da-f]{64}$/),
          status: "success",
          from: ADDRESS,
          to: TO,
          chainId: "31337",
        },
        ...{ value: parseEther("0.1").toString(), nonce: expect.any(Number), gasUsed: "21000" },
        blockNumber: expect.any(Number),
      });
    });
    expect(got).toBe(parseEther("0.1"));
    const people = await cli.run(["send", "--to", TO, "--value", "25 gwei", "--rpc", anvil.url]);
    expect(people).toMatchObject({ code: 0, stderr: expect.stringMatching(/^sent 0x[\da-f]{64}\n$/) });
    expect(people.stdout).toMatch(/^0x[\da-f]{64} {2}success in block \d+, gas 21000\n$/);
  });

  test("takes what is given for the rest, and need not wait", async () => {
    const nonce = await provider.getTransactionCount(ADDRESS);
    const fees = ["--max-fee-per-gas", "30gwei", "--max-priority-fee-per-gas", "1 gwei", "--gas-limit", "50000"];
    const args = [
      "send",
      "--to",
      TO,
      "--data",
      "0xc0ffee",
      "--nonce",
      `${nonce}`,
      "--wait",
      "0",
      "--chain-id",
      "31337",
    ];
    const { hash, status, value } = await cli.json([...args, ...fees]);
    expect({ status, value }).toEqual({ status: "pending", value: "0" });
    expect(await provider.getTransaction(String(hash))).toMatchObject({
      ...{
        data: "0xc0ffee",
        nonce,
        gasLimit: 50_000n,
        maxFeePerGas: 30_000_000_000n,
        maxPriorityFeePerGas: 1_000_000_000n,
      },
    });
  });

  test.each<[name: string, args: string[], code: number, text: RegExp]>([
    [
      "an amount without a unit",
      ["--to", TO, "--value", "0.1"],
      2,
      /--value must be an amount with its unit, such as 0.1ether/,
    ],
    ["an unknown unit", ["--to", TO, "--value", "1 finney"], 2, /--value must be an amount/],
    ["a negative amount", ["--to", TO, "--value=-1ether"], 2, /--value must be an amount/],
    ["half a wei", ["--to", TO, "--value", "0.5wei"], 2, /more than 0 decimals/],
    ["too many decimals", ["--to", TO, "--value", "0.0000000001gwei"], 2, /more than 9 decimals/],
    ["no recipient", ["--value", "1wei"], 2, /--to is missing/],
    ["a wrong checksum", ["--to", "0x000000000000000000000000000000000000DEad"], 2, /bad address checksum/],
    ["data that is not hex", ["--to", TO, "--data", "c0ffee"], 2, /--data must be 0x/],
    ["another chain", ["--to", TO, "--chain-id", "5"], 2, /on chain 31337, not on --chain-id 5: nothing was sent/],
    ["more than the account has", ["--to", TO, "--value", "101ether"], 6, /insufficient funds/i],
    ["a used nonce", ["--to", TO, "--value", "1wei", "--nonce", "0"], 6, /nonce/],
  ])("%s is refused", async (_name, args, code, text) => {
    const before = await provider.getTransactionCount(ADDRESS);
    const run = await cli.run(["send", ...args]);
    expect([run.code, run.stdout]).toEqual([code, ""]);
    expect(run.stderr).toMatch(text);
    expect(await provider.getTransactionCount(ADDRESS)).toBe(before);
  });

  test("0 is an amount without a unit", async () => {
    expect(await cli.json(["send", "--to", TO, "--value", "0"])).toMatchObject({ status: "success", value: "0" });
  });

  test("a transaction that no block takes in time ends with 6, and its hash is told", async () => {
    await provider.send("evm_setAutomine", [false]);
    try {
      const run = await cli.run(["send", "--to", TO, "--value", "1wei", "--wait", "1"]);
      expect(run).toMatchObject({ code: 6, stdout: "" });
      const [sent = "", end] = run.stderr.split("\n");
      expect(sent).toMatch(/^sent 0x[\da-f]{64}$/);
      expect(end).toContain(`the transaction ${sent.slice(5)} was sent, but is in no block after 1 seconds`);
    } finally {
      await provider.send("evm_setAutomine", [true]);
      await provider.send("evm_mine", []);
    }
  });

  test("a node that fails while it is waited for is asked again", async () => {
    let asked = 0;
    const node = await startAlteredNode(anvil.url, ({ method }, result) => {
      if (method !== "eth_getTransactionReceipt") return result;
      asked += 1;
      if (asked === 1) throw new Error("busy");
      return result;
    });
    const run = await cli.json(["send", "--to", TO, "--value", "1wei", "--rpc", node.url]);
    await node.close();
    expect([run["status"], asked]).toEqual(["success", 2]);
  });

  test("a transaction that fails in its block ends with 6", async () => {
    // PUSH1 0 PUSH1 0 REVERT.
    const reverting = Wallet.createRandom().address;
    await provider.send("anvil_setCode", [reverting, "0x60006000fd"]);
    const run = await cli.run(["send", "--to", reverting, "--gas-limit", "100000", "--json"]);
    expect(run.code).toBe(6);
    expect(JSON.parse(run.stdout)).toMatchObject({ status: "failed", blockNumber: expect.any(Number) });
  });

  test("of a node's failures neither URL nor key is shown", async () => {
    const unreachable = await cli.run(["send", "--to", TO, "--rpc", "http://127.0.0.1:9/planted-key"]);
    expect(unreachable).toMatchObject({
      code: 6,
      stdout: "",
      stderr: expect.stringContaining("cannot be reached (ECONNREFUSED)"),
    });
    const server = await LoopbackServer.start(async () => ({ status: 401, body: '{"error":"planted-key"}' }));
    const refused = await cli.run(["send", "--to", TO, "--rpc", `${server.url}/planted-key`]);
    await server.close();
    expect(refused).toMatchObject({ code: 6, stderr: expect.stringContaining("(HTTP 401): check the key in its URL") });
    expect(`${unreachable.stderr}${refused.stderr}`).not.toContain("planted");
  });

  test.each<[name: string, status: number, body: string | undefined, text: string]>([
    ["a key that is refused", 403, "{}", "(HTTP 403): check the key in its URL"],
    ["another service", 404, "{}", "(HTTP 404): check its URL"],
    ["a chain id that is not one", 200, '{"result":"planted"}', "(HTTP 200): check its URL"],
    ["a chain id of 0", 200, '{"result":"0x0"}', "reports chain id 0, which no chain has: check its URL"],
    ["a key that is refused by a web page", 401, "<p>planted</p>", "(HTTP 401): check the key in its URL"],
    ["an empty answer", 200, undefined, "the node's response is not JSON: check its URL"],
    ["a web page", 200, "<p>planted</p>", "the node's response is not JSON: check its URL"],
  ])("a node's first answer is %s", async (_name, status, body, text) => {
    const server = await LoopbackServer.start(async () => ({ status, body }));
    const run = await cli.run(["send", "--to", TO, "--rpc", server.url]);
    await server.close();
    expect(run).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining(text) });
    expect(run.stderr).not.toContain("planted");
  });

  test("where the answer to the broadcast is lost, the hash is told: the transaction may be mined", async () => {
    const node = await LoopbackServer.start(async ({ body }) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(anvil.url, { method: "POST", headers, body });
      if (body.includes("eth_sendRawTransaction")) return "reset";
      return { status: answer.status, headers, body: await answer.text() };
    });
    const run = await cli.run(["send", "--to", TO, "--value", "1wei", "--rpc", node.url]);
    await node.close();
    expect(run).toMatchObject({ code: 6, stdout: "" });
    expect(run.stderr).toMatch(
      /unknown whether 0x[0-9a-f]{64} was sent, since the node cannot be reached \(ECONNRESET\)/,
    );
    const [hash = ""] = /0x[0-9a-f]{64}/.exec(run.stderr) ?? [];
    expect(await provider.waitForTransaction(hash)).toMatchObject({ status: 1, from: ADDRESS, to: TO });
  });

  test("with --rpc sign-tx fills in what is absent, and sends nothing", async () => {
    const nonce = await provider.getTransactionCount(ADDRESS);
    const input = JSON.stringify({ to: TO, value: "1" });
    const document = await cli.json(["sign-tx", "-", "--rpc", anvil.url], { input });
    expect(document).toMatchObject({ from: ADDRESS, nonce, chainId: "31337" });
    expect(await provider.getTransactionCount(ADDRESS)).toBe(nonce);
    const response = await provider.broadcastTransaction(String(document["raw"]));
    expect(response.hash).toBe(document["hash"]);
    await response.wait();
  });
});

describe("on Ethereum mainnet", () => {
  beforeEach(() => setChain(1));

  test("a program must pass --yes", async () => {
    const refused = await cli.run(["send", "--to", TO, "--value", "1wei"]);
    expect(refused).toMatchObject({
      code: 9,
      stdout: "",
      stderr: expect.stringMatching(/mainnet.*nothing was sent; pass --yes/),
    });
    const got = await received(() => cli.run(["send", "--to", TO, "--value", "1wei", "--yes", "--json"]));
    expect(got).toBe(1n);
  });

  test("the call's data and the highest fee are shown, also where blocks have no base fee", async () => {
    const node = await startAlteredNode(anvil.url, ({ method }, result) => {
      if (method !== "eth_getBlockByNumber") return result;
      const { baseFeePerGas: _fee, ...block } = result as Record<string, unknown>;
      return block;
    });
    const args = ["send", "--to", TO, "--value", "1wei", "--data", "0xc0ffee", "--yes", "--rpc", node.url];
    const { code, stdout, stderr } = await cli.run(args);
    await node.close();
    expect(code).toBe(0);
    const sent = await provider.getTransaction(stdout.slice(0, 66));
    expect(sent).toMatchObject({ type: 0, data: "0xc0ffee" });
    const { gasLimit = 0n, gasPrice = 0n } = sent ?? {};
    expect(stderr).toContain("\ndata    0xc0ffee\n");
    expect(stderr).toContain(`\nfee     ${formatEther(gasLimit * gasPrice)} ether at most\n`);
  });

  test("a person sees what would be sent, and types yes", async () => {
    const question = { prompt: "Type yes:", typed: "yes" };
    const got = await received(async () => {
      const { code, stdout } = await cli.atTerminal(["send", "--to", TO, "--value", "2gwei"], [question]);
      expect(stdout).toMatch(/value +0.000000002 ether/);
      expect(stdout).toContain(TO);
      expect(stdout).toContain("success in block");
      expect(code).toBe(0);
    });
    expect(got).toBe(2_000_000_000n);
  });

  test.each(["no", "y", "", "YES"])("%j is no yes", async (typed) => {
    const got = await received(async () => {
      const run = await cli.atTerminal(["send", "--to", TO, "--value", "1wei"], [{ prompt: "Type yes:", typed }]);
      expect(run.code).toBe(9);
      expect(run.stdout).toContain("not confirmed: nothing was sent");
    });
    expect(got).toBe(0n);
  });

  test("another chain asks no question", async () => {
    await provider.send("anvil_setChainId", [Number(toQuantity(5))]);
    expect(await received(() => cli.run(["send", "--to", TO, "--value", "1wei"]))).toBe(1n);
  });
});
