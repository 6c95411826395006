import { randomUUID } from "node:crypto";
import type { HttpReply } from "../support/loopback-server.ts";

/** An answer of the service, with the headers that it always has. */
export function jsonReply(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return {
    status,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-cache",
      "x-ms-keyvault-region": "westeurope",
      "x-ms-keyvault-service-version": "1.9.2276.1",
      "x-ms-request-id": randomUUID(),
      ...headers,
    },
    body: JSON.stringify(body),
  };
}

export interface ServiceError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly innerCode?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** An error in the service's own form (REST reference, "Authentication, requests and responses"). */
export function errorReply({ status, code, message, innerCode, headers }: ServiceError): HttpReply {
  const innererror = innerCode === undefined ? {} : { innererror: { code: innerCode } };
  return jsonReply(status, { error: { code, message, ...innererror } }, headers);
}

/** What a request without a valid token gets: where to ask for one, and for which resource. */
export function challengeReply(hadToken: boolean, tenantId: string, resource: string): HttpReply {
  const parameters = `authorization="https://login.microsoftonline.com/${tenantId}", resource="${resource}"`;
  return errorReply({
    status: 401,
    code: "Unauthorized",
    message: hadToken
      ? "AKV10022: Invalid audience, or the token is no longer valid."
      : "AKV10000: Request is missing a Bearer or PoP token.",
    headers: { "www-authenticate": `Bearer ${parameters}` },
  });
}

export function badParameter(message: string): HttpReply {
  return errorReply({ status: 400, code: "BadParameter", message });
}
