import { createProvider } from "ethers-hsm/eip1193";
import { signers } from "./signers.js";

/** @typedef {{ jsonrpc: "2.0", id: number | string, method: string, params?: unknown[] | object }} Request */
/** @typedef {{ result?: unknown, error?: unknown }} Response */
/** @typedef {(context: object, connection: object, request: Request) => Promise<Response>} Next */

/**
 * Hardhat's `onRequest` sees every request of a connection, and `next` leads to its node: a provider fits in between.
 */
// biome-ignore lint/style/noDefaultExport: Hardhat loads it.
export default async () => {
  const accounts = await signers();
  // One for each connection, since it gives out the nonces.
  /** @type {WeakMap<object, import("ethers-hsm/eip1193").Eip1193Provider>} */
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
    const provider = createProvider({ accounts, provider: { request } });
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
        const { code, message, data } = /** @type {import("ethers-hsm/eip1193").ProviderRpcError} */ (error);
        return { ...head, error: { code, message, data } };
      }
    },
  };
};
