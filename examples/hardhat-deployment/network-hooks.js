import { createProvider } from "ethers-hsm/eip1193";
import { signers } from "./signers.js";

/** @typedef {{ jsonrpc: "2.0", id: number | string, method: string, params?: unknown[] | object }} Request */
/** @typedef {{ result?: unknown, error?: unknown }} Response */
/** @typedef {(context: object, connection: object, request: Request) => Promise<Response>} Next */

/**
 * Which account a request is for, by its method: the position of the account, or of the object that names it as `from`.
 *
 * @type {Readonly<Record<string, number>>}
 */
const ACCOUNT_POSITIONS = {
  eth_sendTransaction: 0,
  eth_signTransaction: 0,
  wallet_sendCalls: 0,
  eth_sign: 0,
  eth_signTypedData: 0,
  eth_signTypedData_v3: 0,
  eth_signTypedData_v4: 0,
  personal_sign: 1,
};

/**
 * Hardhat's `onRequest` sees every request of a connection, and `next` leads to its node: a provider fits in between. It signs for
 * the accounts of signers.js; requests for other accounts, such as impersonated ones, go to the node.
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
        const account = accountOf(request);
        if (account !== undefined) {
          const own = await provider.request({ method: "eth_accounts" });
          if (!own.includes(account.toLowerCase())) return await next(context, connection, request);
        }
        return { ...head, result: await provider.request(request) };
      } catch (error) {
        const { code, message, data } = /** @type {import("ethers-hsm/eip1193").ProviderRpcError} */ (error);
        return { ...head, error: { code, message, data } };
      }
    },
  };
};

/**
 * Undefined if the request names none: the provider answers then, with its own errors.
 *
 * @param {Request} request
 * @returns {string | undefined}
 */
function accountOf({ method, params }) {
  const position = ACCOUNT_POSITIONS[method];
  const parameter = position === undefined || !Array.isArray(params) ? undefined : params[position];
  const account = typeof parameter === "object" ? parameter?.from : parameter;
  return typeof account === "string" ? account : undefined;
}
