// Hardhat's onRequest hook sees every request of a connection, and `next` leads to its node: a provider of ours fits in between.

import { id, Wallet } from "ethers";

/** @typedef {{ jsonrpc: "2.0", id: number | string, method: string, params?: unknown[] | object }} Request */
/** @typedef {(context: object, connection: object, request: Request) => Promise<{ result?: unknown, error?: unknown }>} Next */
/** @typedef {import("../../src/eip1193/index.ts")} Library */

const library = "./eip1193.mjs";
const { createProvider } = /** @type {Library} */ (await import(library));

// biome-ignore lint/style/noDefaultExport: Hardhat loads it.
export default async () => {
  /** @type {WeakMap<object, ReturnType<typeof createProvider>>} */
  const providers = new WeakMap();
  let count = 0;

  /** @param {object} context @param {object} connection @param {Next} next */
  function create(context, connection, next) {
    /** @param {{ method: string, params: unknown[] }} args */
    const request = async ({ method, params }) => {
      count += 1;
      const response = await next(context, connection, { jsonrpc: "2.0", id: count, method, params });
      if (response.error) throw response.error;
      return response.result;
    };
    const provider = createProvider({ accounts: [new Wallet(id("hardhat"))], provider: { request } });
    providers.set(connection, provider);
    return provider;
  }

  return {
    /** @param {object} context @param {object} connection @param {Request} request @param {Next} next */
    async onRequest(context, connection, request, next) {
      const provider = providers.get(connection) ?? create(context, connection, next);
      const head = { jsonrpc: "2.0", id: request.id };
      try {
        return { ...head, result: await provider.request(request) };
      } catch (error) {
        const { code, message, data } = /** @type {import("../../src/eip1193/index.ts").ProviderRpcError} */ (error);
        return { ...head, error: { code, message, data } };
      }
    },
  };
};
