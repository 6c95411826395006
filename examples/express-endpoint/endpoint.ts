import { createHash, timingSafeEqual } from "node:crypto";
import { type Eip1193Provider, ProviderRpcError } from "ethers-hsm/eip1193";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import { checkRequest, RpcRefusal } from "./request.ts";

export interface EndpointOptions {
  readonly provider: Eip1193Provider;
  /** All that may be asked for. */
  readonly methods: readonly string[];
  /** A caller that has it may ask for anything, a payment included. */
  readonly token: string;
}

const PARSE_ERROR = -32700;
const INTERNAL_ERROR = -32603;

/** `POST /rpc`, JSON-RPC 2.0, for callers with `Authorization: Bearer TOKEN`. */
export function createEndpoint({ provider, methods, token }: EndpointOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  // The token comes first: nothing of an unknown caller's request is read.
  app.post("/rpc", requireToken(token), express.json({ limit: "64kb" }), async (request, response) => {
    const id = idOf(request.body);
    try {
      const { method, params } = checkRequest(request.body, methods);
      response.json({ jsonrpc: "2.0", id, result: await provider.request({ method, params: [...params] }) });
    } catch (error) {
      response.json({ jsonrpc: "2.0", id, error: answerTo(error) });
    }
  });
  app.use((_request, response) => {
    response.status(404).end();
  });
  app.use(unreadable);
  return app;
}

function requireToken(token: string): RequestHandler {
  const expected = hash(`Bearer ${token}`);
  return (request, response, next) => {
    // Of equal length, and compared in a time that tells nothing.
    if (timingSafeEqual(hash(request.headers.authorization ?? ""), expected)) next();
    else response.status(401).set("WWW-Authenticate", "Bearer").end();
  };
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** A body that is not JSON, or is too long. */
const unreadable: ErrorRequestHandler = (error, _request, response, _next) => {
  const status = typeof error?.status === "number" ? error.status : 500;
  response
    .status(status)
    .json({ jsonrpc: "2.0", id: null, error: { code: PARSE_ERROR, message: "send JSON, 64 kB at most" } });
};

function idOf(body: unknown): unknown {
  const id = (body as { readonly id?: unknown } | undefined)?.id;
  return typeof id === "string" || typeof id === "number" ? id : null;
}

/** What a caller is told; whatever is neither the provider's word nor this endpoint's is for the log only. */
function answerTo(error: unknown) {
  if (error instanceof RpcRefusal) return { code: error.code, message: error.message };
  if (error instanceof ProviderRpcError) return { code: error.code, message: error.message, data: error.data };
  console.error(error);
  return { code: INTERNAL_ERROR, message: "the request failed here" };
}
