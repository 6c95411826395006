import type { IncomingMessage, ServerResponse } from "node:http";

/** What a server answers to pages of other origins (Fetch Standard, "CORS protocol"): any may ask. */
export interface Cors {
  readonly methods: string;
  /** The headers of an answer that a page gets to see. */
  readonly exposed: string;
}

/** Adds the headers that let a page read the answer, and answers a preflight. @returns whether that was all. */
export function answerCors({ methods, exposed }: Cors, request: IncomingMessage, response: ServerResponse): boolean {
  response.setHeader("access-control-allow-origin", "*");
  response.setHeader("access-control-expose-headers", exposed);
  if (request.method !== "OPTIONS") return false;
  response.setHeader("access-control-allow-methods", methods);
  response.setHeader("access-control-allow-headers", request.headers["access-control-request-headers"] ?? "");
  response.setHeader("access-control-max-age", "172800");
  response.writeHead(200).end();
  return true;
}
