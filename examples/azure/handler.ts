import { app, type HttpRequest, type HttpResponseInit } from "@azure/functions";
import { DefaultAzureCredential } from "@azure/identity";
import { AzureKeyVaultSigner } from "ethers-hsm/azure-key-vault";
import type { Failure } from "./payments/failure.ts";
import { PaymentService } from "./payments/payment-service.ts";
import { readSettings } from "./payments/settings.ts";

/** Milliseconds: well within the host's own timeout, so that a caller gets an answer with a code. */
const TIMEOUT = 10_000;

// Made once for each worker. The token, the public key and the connections serve every request after the first.
const settings = readSettings(process.env);
const signer = new AzureKeyVaultSigner({
  keyId: process.env["KEY_ID"] ?? "",
  // In Azure: the app's managed identity, where AZURE_TOKEN_CREDENTIALS says so. On your machine: `az login`.
  credential: new DefaultAzureCredential(),
  expectedAddress: settings.expectedAddress,
  timeout: TIMEOUT,
});
const service = new PaymentService(signer, settings);

app.http("payments", {
  methods: ["POST"],
  authLevel: "function",
  handler: async (request: HttpRequest): Promise<HttpResponseInit> => {
    const answer = await service.answer(await bodyOf(request));
    return { status: "error" in answer ? statusOf(answer) : 200, jsonBody: answer };
  },
});

/** A body that is not JSON is refused as any other request that is not an object. */
async function bodyOf(request: HttpRequest): Promise<unknown> {
  return request.json().catch(() => undefined);
}

/** The account is not in the state that the request needs. */
const CONFLICTS = ["NONCE_EXPIRED", "REPLACEMENT_UNDERPRICED", "INSUFFICIENT_FUNDS"];

/** By RFC 9110. */
function statusOf({ error: { code, retryable } }: Failure): number {
  if (code === "INVALID_ARGUMENT" || code === "LIMIT_EXCEEDED") return 400;
  if (CONFLICTS.includes(code)) return 409;
  if (code === "THROTTLED") return 429;
  return retryable ? 503 : 500;
}
