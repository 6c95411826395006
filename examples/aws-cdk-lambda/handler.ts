import { KmsSigner } from "ethers-hsm/aws-kms";
import { type Answer, PaymentService } from "./payments/payment-service.ts";
import { readSettings } from "./payments/settings.ts";

/**
 * Milliseconds for one request to KMS. Where every request of a payment takes as long as it may, they still end before the function's
 * own timeout: a caller gets an answer with a code.
 */
const TIMEOUT = 10_000;

// Made once for each container. The public key, the SDK's client and its connection serve every invocation after the first.
const settings = readSettings(process.env);
const signer = new KmsSigner({
  keyId: process.env["KEY_ID"] ?? "",
  expectedAddress: settings.expectedAddress,
  timeout: TIMEOUT,
});
const service = new PaymentService(signer, settings);

/**
 * What AWS Lambda calls. An event is `{ "operation": "status" }`, or `sign` or `send` with `amount`, `dst_address` and `nonce`.
 *
 * A failure is an answer with `error.code`, and no exception: Lambda would run an asynchronous invocation again.
 */
export async function handler(event: unknown): Promise<Answer> {
  return service.answer(event);
}
