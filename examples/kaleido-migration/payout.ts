// A program as users of a hosted wallet have it: it knows a URL with a user and a password, and asks for
// eth_sendTransaction. Nothing in it is of this library.
//
//   WALLET_URL=https://USER:PASSWORD@… node --import tsx payout.ts RECIPIENT WEI

import { setTimeout as sleep } from "node:timers/promises";

const { origin, pathname, username, password } = new URL(process.env["WALLET_URL"] ?? "");
const [to = "", wei = ""] = process.argv.slice(2);

const [from] = (await ask("eth_accounts", [])) as string[];
const hash = await ask("eth_sendTransaction", [{ from, to, value: `0x${BigInt(wei).toString(16)}` }]);
let receipt: unknown = null;
while (receipt === null) {
  await sleep(100);
  receipt = await ask("eth_getTransactionReceipt", [hash]);
}
console.log(JSON.stringify(receipt));

async function ask(method: string, params: readonly unknown[]): Promise<unknown> {
  const authorization = `Basic ${btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)}`;
  const response = await fetch(`${origin}${pathname}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`the wallet answered with HTTP ${response.status}`);
  const { result, error } = (await response.json()) as { result?: unknown; error?: { code: number; message: string } };
  if (error) throw new Error(`${method}: ${error.message} (${error.code})`);
  return result;
}
