import net from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { computeAddress, type JsonRpcProvider, parseEther, Transaction, Wallet } from "ethers";
import { CREDENTIALS, type Kms, PRIVATE_KEY, startKms } from "../aws-kms/support.ts";
import { LoopbackServer, type Outcome } from "../servers/support/loopback-server.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { type Alter, startAlteredNode } from "./support/altered-node.ts";
import { CommandLine, type Run } from "./support/command.ts";
import { examined } from "./support/steps.ts";

const ADDRESS = computeAddress(PRIVATE_KEY);
const TO = "0x000000000000000000000000000000000000dEaD";
const HASH = /0x[\da-f]{64}/;

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
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    ETHERS_HSM_KEY: `aws-kms:${kms.key.keyId}?region=eu-west-1&endpoint=${kms.server.url}`,
  });
});

beforeEach(() => provider.send("anvil_setChainId", [31_337]));

afterAll(async () => {
  await Promise.all([anvil.stop(), kms.server.close()]);
});

/** Runs the command with a node that answers what `alter` makes of the real node's answers. */
async function withNode(args: readonly string[], alter: Alter, input = ""): Promise<Run> {
  const node = await startAlteredNode(anvil.url, alter);
  try {
    return await cli.run([...args, "--rpc", node.url], { input });
  } finally {
    await node.close();
  }
}

const signatures = () => kms.server.requests.filter(({ operation }) => operation === "Sign").length;

/** Altered answers by method. */
const answers =
  (results: Readonly<Record<string, unknown>>): Alter =>
  ({ method }, result) =>
    method in results ? results[method] : result;

const SEND = ["send", "--to", TO, "--value", "1wei"];

describe("what a node makes the key sign", () => {
  test.each<[name: string, results: Record<string, unknown>, code: number, text: RegExp]>([
    ["chain 0", { eth_chainId: "0x0" }, 6, /reports chain id 0, which no chain has.*\[NODE_RESPONSE_INVALID\]/],
    ["chain 0 with leading zeros", { eth_chainId: "0x000" }, 6, /reports chain id 0/],
    ["chain 0 as a number", { eth_chainId: 0 }, 6, /reports chain id 0/],
    [
      "a fee of 42,000 ether",
      { eth_maxPriorityFeePerGas: "0x1bc16d674ec80000" },
      9,
      /the fee can be 4\d{4}\.\d+ ether/,
    ],
    [
      "a gas limit of 2^256 - 1",
      { eth_estimateGas: `0x${"f".repeat(64)}` },
      9,
      /ether of --max-fee: nothing was signed/,
    ],
    ["a gas limit beyond 2^256", { eth_estimateGas: `0x1${"0".repeat(64)}` }, 9, /\[FEE_TOO_HIGH\]/],
    ["a nonce of 2^53", { eth_getTransactionCount: "0x20000000000000" }, 6, /\[NODE_RESPONSE_INVALID\]/],
    ["no gas limit", { eth_estimateGas: null }, 6, /responses give no transaction.*\[NODE_RESPONSE_INVALID\]/],
    ["a gas limit that is a list", { eth_estimateGas: [] }, 6, /\[NODE_RESPONSE_INVALID\]/],
  ])("%s is refused before anything is signed", async (_name, results, code, text) => {
    const before = signatures();
    const run = await withNode(SEND, answers(results));
    expect(run).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(text) });
    expect(signatures()).toBe(before);
  });

  test("--max-fee is the ceiling, in place of 0.1 ether", async () => {
    const fee = ["--gas-limit", "21000", "--max-fee-per-gas", "10gwei", "--max-priority-fee-per-gas", "1gwei"];
    const run = (ceiling: string[]) => cli.run([...SEND, ...fee, ...ceiling, "--rpc", anvil.url]);
    expect(await run(["--max-fee", "209999gwei"])).toMatchObject({
      ...{ code: 9, stderr: expect.stringMatching(/fee can be 0.00021 ether.*0.000209999 ether.*\[FEE_TOO_HIGH\]/) },
    });
    expect((await run(["--max-fee", "210000gwei"])).code).toBe(0);
    const expensive = ["--gas-limit", "21000", "--max-fee-per-gas", "5000gwei", "--max-priority-fee-per-gas", "1gwei"];
    expect((await cli.run([...SEND, ...expensive, "--rpc", anvil.url])).code).toBe(9);
  });

  test("a chain id as a number, or with leading zeros, is read as what it is", async () => {
    for (const eth_chainId of [31_337, "0x007a69"]) {
      expect((await withNode([...SEND, "--chain-id", "31337"], answers({ eth_chainId }))).code).toBe(0);
    }
  });

  test.each([10, 137, 8_453, 42_161, 4_242_424_242])(
    "chain %i is not a known test chain, so it asks",
    async (chainId) => {
      await provider.send("anvil_setChainId", [chainId]);
      const before = signatures();
      const refused = await cli.run([...SEND, "--rpc", anvil.url]);
      expect(refused).toMatchObject({
        code: 9,
        stdout: "",
        stderr: expect.stringContaining(`this is chain ${chainId}`),
      });
      const input = JSON.stringify({ to: TO, value: "1" });
      const signing = await cli.run(["sign-tx", "-", "--rpc", anvil.url], { input });
      expect(signing).toMatchObject({
        code: 9,
        stdout: "",
        stderr: expect.stringContaining("nothing was signed; pass"),
      });
      expect(signatures()).toBe(before);
      expect((await cli.run([...SEND, "--yes", "--rpc", anvil.url])).code).toBe(0);
    },
  );

  test.each([5, 1_337, 17_000, 560_048, 11_155_111])("chain %i is a test chain", async (chainId) => {
    await provider.send("anvil_setChainId", [chainId]);
    expect((await cli.run([...SEND, "--rpc", anvil.url])).code).toBe(0);
  });

  test("a person sees what a node filled in before it is signed", async () => {
    await provider.send("anvil_setChainId", [137]);
    const args = [...SEND, "--rpc", anvil.url];
    const { code, stdout } = await cli.atTerminal(args, [{ prompt: "Type yes:", typed: "yes" }]);
    expect(stdout).toMatch(/chain +137 \(Polygon\)/);
    expect([code, stdout]).toEqual([0, expect.stringContaining("Send this on chain 137 (Polygon)? Type yes:")]);
  });

  test("the file's chain is the node's, and that of --chain-id", async () => {
    const sign = (chainId: number, ...args: string[]) =>
      cli.run(["sign-tx", "-", "--rpc", anvil.url, ...args], { input: JSON.stringify({ to: TO, chainId }) });
    expect(await sign(1)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("on chain 31337, not on chain 1 of"),
    });
    expect(await sign(31_337, "--chain-id", "1")).toMatchObject({ code: 2, stdout: "" });
    expect((await sign(31_337, "--chain-id", "31337")).code).toBe(0);
  });

  test("no host but the node is asked, whatever the chain", async () => {
    await provider.send("anvil_setChainId", [137]);
    const connect = jest.spyOn(net.Socket.prototype, "connect");
    const run = await cli.run([...SEND, "--yes", "--rpc", anvil.url]);
    const calls: readonly unknown[][] = connect.mock.calls;
    const hosts = calls.flat(2).map((options) => (options as net.TcpNetConnectOpts | null)?.host);
    connect.mockRestore();
    expect(run.code).toBe(0);
    expect([...new Set(hosts.filter((host) => host !== undefined))]).toEqual(["127.0.0.1"]);
  });
});

describe("the hash of what was signed", () => {
  test("a node that answers with another hash has the transaction", async () => {
    const run = await withNode(
      ["send", "--to", TO, "--json"],
      answers({ eth_sendRawTransaction: `0x${"11".repeat(32)}` }),
    );
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const { hash, status } = JSON.parse(run.stdout);
    expect([status, hash]).toEqual(["success", expect.stringMatching(HASH)]);
    expect(await provider.getTransactionReceipt(hash)).toMatchObject({ status: 1, from: ADDRESS });
  });

  test("a node that has the transaction already is not a failure", async () => {
    const run = await withNode(SEND, ({ method }, result) => {
      if (method === "eth_sendRawTransaction") throw new Error("already known");
      return result;
    });
    expect(run.code).toBe(0);
  });

  test.each<[name: string, outcome: Outcome]>([
    ["nothing", "hang"],
    ["a reset", "reset"],
    ["a web page", { status: 200, body: "<p>busy</p>" }],
    ["an error of HTTP", { status: 502, body: "busy" }],
    ["nothing more", (response) => void response.write("{")],
    ["an answer to another question", { status: 200, body: '{"id":99999,"result":"0x"}' }],
  ])("is reported if the broadcast is answered by %s", async (_name, outcome) => {
    const node = await LoopbackServer.start(async ({ body }) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(anvil.url, { method: "POST", headers, body });
      if (body.includes("eth_sendRawTransaction")) return outcome;
      return { status: answer.status, headers, body: await answer.text() };
    });
    const run = await cli.run(["send", "--to", TO, "--json", "--timeout", "2", "--rpc", node.url]);
    await node.close();
    expect(run).toMatchObject({ code: 6, stdout: "" });
    const { error } = JSON.parse(run.stderr);
    expect(error).toMatchObject({ code: "BROADCAST_UNKNOWN", hash: expect.stringMatching(HASH), exitCode: 6 });
    expect(error.message).toContain(error.hash);
    expect(await provider.waitForTransaction(error.hash)).toMatchObject({ status: 1, from: ADDRESS });
  });

  test("is reported if the node refuses the transaction", async () => {
    const run = await withNode(["send", "--to", TO, "--json"], ({ method }, result) => {
      if (method === "eth_sendRawTransaction") throw new Error("nonce too low");
      return result;
    });
    expect(run).toMatchObject({ code: 6, stdout: "" });
    const { error } = JSON.parse(run.stderr);
    expect(error).toMatchObject({ code: "BROADCAST_REJECTED", hash: expect.stringMatching(HASH) });
    expect(error.message).toMatch(/nonce/);
  });

  test("is reported if the node is silent afterwards, within the timeout", async () => {
    const node = await LoopbackServer.start(async ({ body }) => {
      if (body.includes("eth_getTransactionReceipt")) return "hang";
      const headers = { "content-type": "application/json" };
      const answer = await fetch(anvil.url, { method: "POST", headers, body });
      return { status: answer.status, headers, body: await answer.text() };
    });
    const run = await cli.run(["send", "--to", TO, "--json", "--timeout", "1", "--rpc", node.url]);
    await node.close();
    expect(run).toMatchObject({ code: 6, stdout: "" });
    expect(JSON.parse(run.stderr).error).toMatchObject({
      ...{ code: "NOT_MINED", hash: expect.stringMatching(HASH) },
      message: expect.stringMatching(/was sent, but then the node did not respond within 1 seconds/),
    });
  });
});

describe("a silent node", () => {
  // Each ends long before the 30 seconds that are the default of --timeout.
  const within = 20_000;

  test.each<[name: string, silent: (body: string) => boolean]>([
    ["from the start", () => true],
    ["after its chain id", (body) => !body.includes("eth_chainId")],
    ["at the fees", (body) => body.includes("eth_getBlockByNumber")],
  ])("%s ends send within --timeout", async (_name, silent) => {
    const node = await LoopbackServer.start(async ({ body }) => {
      if (silent(body)) return "hang";
      const headers = { "content-type": "application/json" };
      const answer = await fetch(anvil.url, { method: "POST", headers, body });
      return { status: answer.status, headers, body: await answer.text() };
    });
    const begun = performance.now();
    const run = await cli.run([...SEND, "--timeout", "1", "--rpc", node.url]);
    expect(performance.now() - begun).toBeLessThan(within);
    await node.close();
    expect(run).toMatchObject({ code: 6, stdout: "" });
    expect(run.stderr).toMatch(/the node did not respond within 1 seconds.*\[NODE_UNREACHABLE\]/);
  });

  test("ends doctor within --timeout", async () => {
    const node = await LoopbackServer.start(async () => "hang");
    const begun = performance.now();
    const { code, step } = await examined(cli, ["--timeout", "1", "--rpc", node.url]);
    expect(performance.now() - begun).toBeLessThan(within);
    await node.close();
    expect([code, step("node").code, step("balance and nonce").status]).toEqual([1, "NODE_UNREACHABLE", "not-tried"]);
  });
});

describe("names", () => {
  test("a chain without ENS has no names", async () => {
    const run = await cli.run(["send", "--to", "treasury.eth", "--rpc", anvil.url]);
    expect(run).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("chain 31337 has no ENS: pass the recipient's"),
    });
  });

  test("a name that has no address", async () => {
    await provider.send("anvil_setChainId", [1]);
    const send = (alter: Alter) => withNode(["send", "--to", "treasury.eth", "--yes"], alter);
    const reverted = await send(({ method }, result) => {
      if (method === "eth_call") throw new Error("execution reverted");
      return result;
    });
    expect(reverted).toMatchObject({ code: 6, stderr: expect.stringContaining("[NAME_NOT_FOUND]") });
    expect(await send(answers({ eth_call: "0x" }))).toMatchObject({
      ...{
        code: 6,
        stderr: expect.stringMatching(/responses give no address for the name.*\[NODE_RESPONSE_INVALID\]/),
      },
    });
  });

  test.each([TO.slice(2), "XE7338O073KYGTWWZN0F2WZ0R8PX5ZPPZS", "treasury", `0x${"11".repeat(19)}`, "0xtreasury.eth"])(
    "%s is neither an address nor a name",
    async (to) => {
      const run = await cli.run(["send", "--to", to, "--rpc", anvil.url]);
      expect(run).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("--to must be an address of 0x and 40 digits"),
      });
    },
  );
});

test("an unprotected transaction needs --allow-unprotected", async () => {
  const legacy = { type: 0, chainId: 0, nonce: 0, gasLimit: 21_000, to: TO, gasPrice: "1" };
  const { unsignedSerialized } = Transaction.from({ ...legacy, gasPrice: 1n });
  for (const input of [JSON.stringify(legacy), unsignedSerialized]) {
    const before = signatures();
    const refused = await cli.run(["sign-tx", "-"], { input });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("pass --allow-unprotected to sign it") });
    expect(signatures()).toBe(before);
    const { raw } = await cli.json(["sign-tx", "-", "--allow-unprotected"], { input });
    expect(Transaction.from(String(raw))).toMatchObject({ chainId: 0n, from: ADDRESS });
  }
  const fees = { maxFeePerGas: 1, maxPriorityFeePerGas: 1 };
  // ethers makes a transaction of type 1 of one that names no type, and a gas price.
  const others = [{ gasPrice: "1" }, { type: 1, gasPrice: "1" }, { type: 2, ...fees }, fees];
  for (const other of others) {
    const input = JSON.stringify({ chainId: 0, nonce: 0, gasLimit: 21_000, to: TO, ...other });
    const run = await cli.run(["sign-tx", "-", "--allow-unprotected"], { input });
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining("chainId is 0, which no chain has") });
  }
});

test("sign-tx refuses a fee above the ceiling, and a chain that is not --chain-id", async () => {
  const transaction = { type: 2, chainId: 5, nonce: 0, gasLimit: 21_000, to: TO, maxPriorityFeePerGas: 1 };
  const sign = (maxFeePerGas: string, ...args: string[]) =>
    cli.run(["sign-tx", "-", ...args], { input: JSON.stringify({ ...transaction, maxFeePerGas }) });
  expect(await sign("5000000000000")).toMatchObject({ code: 9, stderr: expect.stringContaining("[FEE_TOO_HIGH]") });
  expect((await sign("5000000000000", "--max-fee", "1ether")).code).toBe(0);
  expect(await sign("1", "--chain-id", "1")).toMatchObject({
    ...{ code: 2, stderr: expect.stringContaining("the transaction is on chain 5, not on --chain-id 1") },
  });
  const blobs = { ...transaction, type: 3, maxFeePerGas: "1", blobVersionedHashes: [`0x01${"11".repeat(31)}`] };
  const blob = await cli.run(["sign-tx", "-"], {
    input: JSON.stringify({ ...blobs, maxFeePerBlobGas: "1000000000000" }),
  });
  expect(blob).toMatchObject({ code: 9, stderr: expect.stringMatching(/fee can be 0\.131072\d* ether/) });
});

test("a key's own address is shown if the file's from is another", async () => {
  const { address: from } = Wallet.createRandom();
  const run = await cli.run(["sign-tx", "-", "--rpc", anvil.url], { input: JSON.stringify({ from, to: TO }) });
  expect(run).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`from address mismatch: the key's address is ${ADDRESS}`),
  });
});
