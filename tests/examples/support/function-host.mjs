// Loads a function app's bundle and calls its HTTP functions as the Azure Functions host's Node worker does: it provides
// @azure/functions-core, with which the app registers its functions. It answers each message { body } of its parent.
//   node function-host.mjs APP BUNDLE
//
// PUBLIC_HOST is resolved to this machine, as a private endpoint's name is to an address of its network.

import dns from "node:dns";
import Module, { createRequire } from "node:module";
import { join } from "node:path";

const [, , app = "", bundle = ""] = process.argv;
/** @type {(name: string) => any} */
const fromApp = createRequire(join(app, "package.json"));
const { HttpRequest, InvocationContext } = fromApp("@azure/functions");

/** @type {{ name: string, bindings: Record<string, { type: string, methods?: string[], authLevel?: string }>, run: Function }[]} */
const functions = [];
const core = {
  version: "1.0.0",
  setProgrammingModel() {},
  registerHook() {},
  /** @param {{ name: string, bindings: never }} metadata @param {Function} run */
  registerFunction: ({ name, bindings }, run) => functions.push({ name, bindings, run }),
};
const loader = /** @type {{ _load: Function }} */ (/** @type {unknown} */ (Module));
const load = loader._load;
/** @param {string} name @param {unknown[]} others */
loader._load = (name, ...others) => (name === "@azure/functions-core" ? core : load(name, ...others));

const lookup = /** @type {Function} */ (dns.lookup);
/** @param {string} host @param {unknown[]} others */
const resolve = (host, ...others) => lookup(host === process.env["PUBLIC_HOST"] ? "127.0.0.1" : host, ...others);
dns.lookup = /** @type {typeof dns.lookup} */ (/** @type {unknown} */ (resolve));

fromApp(bundle);
const [{ name, bindings, run } = { name: "", bindings: {}, run: async () => ({}) }] = functions;

process.on("message", async (/** @type {{ body: string }} */ { body }) => {
  const request = new HttpRequest({ method: "POST", url: `http://localhost/api/${name}`, body: { string: body } });
  const { status, jsonBody } = await run(request, new InvocationContext({ functionName: name }));
  process.send?.({ status, body: JSON.stringify(jsonBody) });
});
process.on("disconnect", () => process.exit());
process.send?.({ version: process.version, functions: functions.map(({ name }) => name), bindings });
