// Starts the endpoint, calls it as its clients do, and stops it while a request is under way. It exits with 1 if
// anything differs.
//
//   npx tsx examples/express-endpoint/main.ts [--backend pkcs11|cloudhsm|aws-kms|azure-key-vault]

import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { parseEther, toQuantity, Wallet } from "ethers";
import { installOwnPackages } from "../../scripts/setup/own-packages.mjs";
import { expectEqual, Report } from "../demo/report.ts";
import { openChain } from "../support/chain.ts";
import { readOptions } from "../support/options.ts";
import { Program } from "../support/program.ts";

const VALUE = parseEther("0.25");

interface Answer {
  readonly status: number;
  readonly body:
    | { readonly id?: unknown; readonly result?: unknown; readonly error?: { readonly code: number } }
    | undefined;
}

const { backend } = readOptions(["backend"]);
installOwnPackages(fileURLToPath(new URL(".", import.meta.url)), "Express comes from the npm registry.");
const report = new Report();
const chain = await openChain(undefined);
const token = randomBytes(32).toString("hex");
const parameters = ["--backend", backend, "--rpc", chain.url];
const server = new Program(fileURLToPath(new URL("server.ts", import.meta.url)), parameters, {
  ENDPOINT_TOKEN: token,
  PORT: "0",
});
let ended = false;
let asked = 0;
try {
  const url = /http:\S+/.exec(await server.line())?.[0] ?? "";
  report.step("endpoint", url);
  await play(url);
  report.end();
} finally {
  if (!ended) await server.end("SIGTERM");
  await chain.close();
}

async function play(url: string): Promise<void> {
  const ask = (body: unknown, authorization = `Bearer ${token}`) => post(url, JSON.stringify(body), authorization);
  const call = (method: string, params: unknown[] = []) => ask({ jsonrpc: "2.0", id: 1, method, params });

  const { body } = await call("eth_accounts");
  const [from] = (body?.result ?? []) as string[];
  if (from === undefined) throw new Error("the endpoint has no account");
  expectEqual("the chain", (await call("eth_chainId")).body?.result, toQuantity(chain.chainId));
  report.step("account", from);

  await chain.fund(from, parseEther("10"));
  const to = Wallet.createRandom().address;
  const payment = { from, to, value: toQuantity(VALUE) };
  const sent = await call("eth_sendTransaction", [payment]);
  expectEqual("the answer's id", sent.body?.id, 1);
  const receipt = await chain.provider.waitForTransaction(sent.body?.result as string, 1, 30_000);
  expectEqual("the receipt's sender", receipt?.from.toLowerCase(), from);
  expectEqual("the recipient's balance", await chain.provider.getBalance(to), VALUE);
  report.step("paid", `${sent.body?.result}`);

  expectEqual("without the token", (await ask({}, "")).status, 401);
  expectEqual("with another token", (await ask({}, `Bearer ${"0".repeat(64)}`)).status, 401);
  expectEqual("a body that is not JSON", (await post(url, "{", `Bearer ${token}`)).body?.error?.code, -32700);
  expectEqual("what is too long", (await post(url, `"${"x".repeat(100_000)}"`, `Bearer ${token}`)).status, 413);
  expectEqual("another path", (await post(`${url}/more`, "{}", `Bearer ${token}`)).status, 404);
  expectEqual("a batch", (await ask([])).body?.error?.code, -32600);
  expectEqual("a notification", (await ask({ jsonrpc: "2.0", method: "eth_chainId" })).body?.error?.code, -32600);
  expectEqual("another method", (await call("personal_sign", ["0x12", from])).body?.error?.code, -32601);
  expectEqual(
    "another account",
    (await call("eth_sendTransaction", [{ ...payment, from: to }])).body?.error?.code,
    4100,
  );
  expectEqual(
    "a wrong quantity",
    (await call("eth_sendTransaction", [{ ...payment, value: "1" }])).body?.error?.code,
    -32602,
  );
  expectEqual("the transactions sent", await chain.provider.getTransactionCount(from), 1);
  report.step("refused", "unknown callers, and what is malformed or not permitted");

  const last = call("eth_sendTransaction", [payment]);
  // Its log has a line for each request.
  while (asked > 0) {
    await server.line();
    asked -= 1;
  }
  ended = true;
  expectEqual("the exit code", await server.end("SIGTERM"), 0);
  const mined = await chain.provider.waitForTransaction((await last).body?.result as string, 1, 30_000);
  expectEqual("the status of what was under way", mined?.status, 1);
  report.step("stopped", "after the request under way was answered");
}

async function post(url: string, body: string, authorization: string): Promise<Answer> {
  asked += 1;
  const headers = { "content-type": "application/json", authorization };
  const response = await fetch(url, { method: "POST", headers, body });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : undefined };
}
