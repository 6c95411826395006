// Loads a Lambda function's bundle and invokes it twice, as a new container does, and prints how long each took. A program of plain
// Node, since a loader would count as well.

import { createRequire } from "node:module";

const [, , bundle = "", environment = "", event = ""] = process.argv;
Object.assign(process.env, JSON.parse(environment));

const started = performance.now();
const { handler } = createRequire(import.meta.url)(bundle);
const loaded = performance.now();
const answer = await handler(JSON.parse(event));
const signed = performance.now();
const { raw_transaction: transaction } = await handler(JSON.parse(event));
const signedAgain = performance.now();
if (typeof answer.raw_transaction !== "string" || typeof transaction !== "string")
  throw new Error("nothing was signed");

console.log(
  JSON.stringify({
    load: loaded - started,
    firstSignature: signed - loaded,
    // Without what Node itself takes before the program begins.
    total: signed - started,
    nextSignature: signedAgain - signed,
    transaction,
  }),
);
process.exit();
