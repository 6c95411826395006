/** A JSON-RPC 2.0 request with an id and, if at all, a list of parameters. */
export interface RpcRequest {
  readonly id: string | number;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What JSON-RPC 2.0 answers a request with that cannot be served. */
export class RpcRefusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const METHOD_NOT_FOUND = -32601;
const INVALID_REQUEST = -32600;

/**
 * Refuses whatever is not exactly one request for one of `methods`. Batches and notifications, which JSON-RPC has too,
 * are refused: the one hides how much is asked for, the other gets no answer.
 */
export function checkRequest(body: unknown, methods: readonly string[]): RpcRequest {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw invalid("send one JSON-RPC request as JSON");
  const { jsonrpc, id, method, params = [], ...others } = body as Readonly<Record<string, unknown>>;
  if (jsonrpc !== "2.0") throw invalid('jsonrpc must be "2.0"');
  if (typeof id !== "string" && !Number.isSafeInteger(id)) throw invalid("id must be a string or an integer");
  if (typeof method !== "string") throw invalid("method must be a string");
  if (!Array.isArray(params)) throw invalid("params must be a list");
  if (Object.keys(others).length > 0) throw invalid("a request has jsonrpc, id, method and params, and nothing else");
  if (!methods.includes(method)) throw new RpcRefusal(METHOD_NOT_FOUND, "this endpoint does not have that method");
  return { id: id as string | number, method, params };
}

function invalid(message: string): RpcRefusal {
  return new RpcRefusal(INVALID_REQUEST, message);
}
