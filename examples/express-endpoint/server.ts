// The endpoint, until SIGTERM or SIGINT: it then takes no more requests, answers those under way, and ends.
//
//   ENDPOINT_TOKEN=$(openssl rand -hex 32) npx tsx examples/express-endpoint/server.ts [--backend …] [--key KEY] [--rpc URL]
//
// It listens on 127.0.0.1, on PORT or 8645. Put a proxy with TLS before it where others are to reach it.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createProvider } from "ethers-hsm/eip1193";
import { BACKENDS } from "../demo/backends.ts";
import { openChain } from "../support/chain.ts";
import { readOptions } from "../support/options.ts";
import { createEndpoint } from "./endpoint.ts";

const METHODS = ["eth_accounts", "eth_chainId", "eth_sendTransaction", "eth_getTransactionReceipt"];
const LONGEST_SHUTDOWN = 30_000;

const { backend, key, rpc } = readOptions();
const token = process.env["ENDPOINT_TOKEN"] ?? "";
if (token.length < 32) {
  console.error("set ENDPOINT_TOKEN to at least 32 random characters, for example: openssl rand -hex 32");
  process.exit(2);
}
const service = BACKENDS[backend]?.(key);
if (!service) throw new Error(`no backend ${backend}`);
const chain = await openChain(rpc);
const signer = await service.open(chain.provider);
const provider = createProvider({ accounts: [signer], provider: chain.provider });
const server = createServer(createEndpoint({ provider, methods: METHODS, token }));
// Neither the body nor the token belongs in a log.
server.on("request", ({ method, url }) => console.log(`${method} ${url}`));
server.listen(Number(process.env["PORT"] ?? 8645), "127.0.0.1");
await once(server, "listening");
console.log(
  `listening on http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc for ${await signer.getAddress()}`,
);

const signal = await Promise.race(["SIGTERM", "SIGINT"].map((name) => once(process, name).then(() => name)));
console.log(`${signal}: answering what is under way`);
server.close();
server.closeIdleConnections();
// A client that reads a response too slowly does not keep it running.
setTimeout(() => server.closeAllConnections(), LONGEST_SHUTDOWN).unref();
await once(server, "close");
await signer.close();
await service.close();
await chain.close();
console.log("ended");
