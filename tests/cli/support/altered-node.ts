import { LoopbackServer } from "../../servers/support/loopback-server.ts";

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What the altered node answers in place of `result`; what it throws is the node's refusal. */
export type Alter = (call: Call, result: unknown) => unknown;

const HEADERS = { "content-type": "application/json" };

/** A node that asks the one at `url`, and answers what `alter` makes of it. */
export function startAlteredNode(url: string, alter: Alter): Promise<LoopbackServer> {
  return LoopbackServer.start(async ({ body }) => {
    const asked: Call | Call[] = JSON.parse(body);
    const answers = await Promise.all([asked].flat().map((call) => answer(url, call, alter)));
    return { status: 200, headers: HEADERS, body: JSON.stringify(Array.isArray(asked) ? answers : answers[0]) };
  });
}

async function answer(url: string, call: Call, alter: Alter): Promise<object> {
  const response = await fetch(url, { method: "POST", headers: HEADERS, body: JSON.stringify(call) });
  const { result, ...others } = (await response.json()) as { readonly result?: unknown };
  try {
    return "error" in others ? others : { ...others, result: alter(call, result) };
  } catch (error) {
    return { ...others, error: { code: -32_000, message: String(error) } };
  }
}
