import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Transaction, toQuantity } from "ethers";
import type { Fate, Words } from "./fake-chain.ts";

const SEND = "eth_sendRawTransaction";

interface Request {
  readonly id: unknown;
  readonly method: string;
  readonly params: readonly unknown[];
}

/**
 * Stands between a JSON-RPC client and anvil, which demands 1 wei more of a replacement: this one demands 10 % of the tip and of
 * the cap, as the clients of public networks do, answers in their words, and loses what it is told to lose. It may lag, and hold nothing that is
 * ahead of its turn.
 */
export class NodeProxy {
  readonly url: string;
  /** What becomes of the next broadcasts, one each; then `fate` says it. */
  readonly fates: Fate[] = [];
  fate: () => Fate = () => "answer";
  /** Whether transactions ahead of their turn are held. */
  hasQueue = true;
  /** Blocks that it does not know yet. */
  lag = 0;
  readonly #server: ReturnType<typeof createServer>;
  readonly #node: string;
  readonly #words: Words;
  readonly #accepted: Map<string, Transaction>;
  readonly #agent = new Agent({ keepAlive: true });

  static async start(node: string, words: Words, accepted = new Map<string, Transaction>()): Promise<NodeProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new NodeProxy(server, node, words, accepted);
  }

  private constructor(
    server: ReturnType<typeof createServer>,
    node: string,
    words: Words,
    accepted: Map<string, Transaction>,
  ) {
    this.#accepted = accepted;
    this.#server = server;
    this.#node = node;
    this.#words = words;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#pass(request, response).catch(() => request.socket.destroy());
    });
  }

  /** Another node of the same network, with the same words. */
  async another(): Promise<NodeProxy> {
    return NodeProxy.start(this.#node, this.#words, this.#accepted);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
  }

  async #pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(incoming);
    const isChanged = this.lag > 0 || body.includes(SEND);
    const answer = isChanged ? JSON.stringify(await this.#answerAll(JSON.parse(body))) : await this.#post(body);
    response.setHeader("content-type", "application/json");
    response.end(answer);
  }

  async #answerAll(body: Request | Request[]): Promise<unknown> {
    const answers = [];
    for (const each of [body].flat()) answers.push({ jsonrpc: "2.0", id: each.id, ...(await this.#answer(each)) });
    return Array.isArray(body) ? answers : answers[0];
  }

  async #answer({ method, params }: Request): Promise<{ result: unknown } | { error: unknown }> {
    if (method !== SEND) return this.lag > 0 ? this.#askLagging(method, params) : this.#ask(method, params);
    const fate = this.fates.shift() ?? this.fate();
    if (fate === "lose-request") throw new Error("lost");
    if (fate === "refuse-funds") return refusal(this.#words.funds);
    if (fate === "http-500") return refusal("Internal error", -32603);
    const transaction = Transaction.from(String(params[0]));
    if (!this.hasQueue && (await this.#isAhead(transaction))) return refusal(this.#words.high);
    const place = `${transaction.from} ${transaction.nonce}`;
    const before = this.#accepted.get(place);
    if (
      before &&
      before.hash !== transaction.hash &&
      (await this.#isPending(before)) &&
      !isRaised(before, transaction)
    ) {
      return refusal(this.#words.underpriced);
    }
    const answer = await this.#ask(method, params);
    if ("result" in answer) this.#accepted.set(place, transaction);
    if (fate === "lose-answer") throw new Error("lost");
    if ("error" in answer) return refusal(this.#inWords(String((answer.error as { message?: unknown }).message)));
    return answer;
  }

  #inWords(text: string): string {
    if (/already imported/.test(text)) return this.#words.known;
    if (/nonce too low/.test(text)) return this.#words.low;
    return /underpriced/.test(text) ? this.#words.underpriced : text;
  }

  async #isAhead({ from, nonce }: Transaction): Promise<boolean> {
    const answer = await this.#ask("eth_getTransactionCount", [from, "pending"]);
    return "result" in answer && nonce > Number(answer.result);
  }

  /** As a node that lacks the last blocks, and what is pending. */
  async #askLagging(method: string, params: readonly unknown[]): Promise<{ result: unknown } | { error: unknown }> {
    const head = await this.#ask("eth_blockNumber", []);
    const known = "result" in head ? Number(head.result) - this.lag : 0;
    if (method === "eth_blockNumber") return { result: toQuantity(known) };
    if (method === "eth_getTransactionCount") return this.#ask(method, [params[0], toQuantity(known)]);
    const answer = await this.#ask(method, params);
    const isPlaced = method === "eth_getTransactionReceipt" || method === "eth_getTransactionByHash";
    const { blockNumber } = Object("result" in answer ? answer.result : null) as { blockNumber?: string | null };
    return isPlaced && blockNumber && Number(blockNumber) > known ? { result: null } : answer;
  }

  async #isPending({ hash }: Transaction): Promise<boolean> {
    const answer = await this.#ask("eth_getTransactionByHash", [hash]);
    return "result" in answer && (answer.result as { blockNumber?: unknown } | null)?.blockNumber === null;
  }

  async #ask(method: string, params: readonly unknown[]): Promise<{ result: unknown } | { error: unknown }> {
    const answer = await this.#post(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
    const { result, error } = JSON.parse(answer) as { result?: unknown; error?: unknown };
    return error === undefined ? { result } : { error };
  }

  async #post(body: string): Promise<string> {
    const headers = { "content-type": "application/json" };
    const asked = request(this.#node, { method: "POST", headers, agent: this.#agent }).end(body);
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    return text(answer);
  }
}

function refusal(message: string, code = -32000): { error: unknown } {
  return { error: { code, message } };
}

function isRaised(before: Transaction, after: Transaction): boolean {
  const isMore = (old: bigint | null, now: bigint | null) =>
    10n * (now ?? 0n) >= 11n * (old ?? 0n) && (now ?? 0n) > (old ?? 0n);
  return (
    isMore(before.maxFeePerGas, after.maxFeePerGas) && isMore(before.maxPriorityFeePerGas, after.maxPriorityFeePerGas)
  );
}
