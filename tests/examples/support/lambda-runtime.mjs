// Loads a function's bundle and calls its handler as AWS Lambda's runtime does: JSON in, JSON out, one invocation at a time. It answers
// each message { event } of its parent, and says its version first.
//   node lambda-runtime.mjs FOLDER HANDLER

import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";

const [, , folder = "", name = ""] = process.argv;
const [file, method = ""] = name.split(".");
const handler = createRequire(import.meta.url)(join(folder, `${file}.js`))[method];

process.on("message", async (/** @type {{ event: unknown }} */ { event }) => {
  const deadline = Date.now() + 60_000;
  const context = {
    functionName: "signer",
    functionVersion: "$LATEST",
    invokedFunctionArn: "arn:aws:lambda:eu-west-1:111122223333:function:signer",
    memoryLimitInMB: "1024",
    awsRequestId: randomUUID(),
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    process.send?.({ payload: JSON.stringify(await handler(event, context)) });
  } catch (error) {
    process.send?.({ functionError: String(error) });
  }
});
process.on("disconnect", () => process.exit());
process.send?.(process.version);
