// Imports an entry point, constructs what it is for and signs once, and prints how long each took. A program of plain Node, since
// a loader would count as well.

import { createRequire } from "node:module";
import { openers, peers } from "./openers.mjs";

const [, , entry = "", format = "", json = ""] = process.argv;
const require = createRequire(import.meta.url);
/** @param {string} name */
const load = async (name) => (format === "require" ? require(name) : import(name));
const target = JSON.parse(json);

const started = performance.now();
for (const name of peers[entry] ?? []) await load(name);
const peersLoaded = performance.now();
const loaded = await load(entry);
const imported = performance.now();
const sign = await openers[entry]?.(loaded, target, load);
const constructed = performance.now();
const signature = await sign?.();
const signed = performance.now();
if (typeof signature !== "string") throw new Error(`${entry} gave no signature`);

console.log(
  JSON.stringify({
    peers: peersLoaded - started,
    entry: imported - peersLoaded,
    construction: constructed - imported,
    firstSignature: signed - constructed,
    // Without what Node itself takes before the program begins.
    total: signed - started,
    signature,
  }),
);
// Sessions and connections are left as they are: nothing of what follows is of interest.
process.exit();
