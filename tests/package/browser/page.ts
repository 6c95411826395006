// What an application's page does with one backend. It is bundled for browsers from the packed library, and the program that drives the
// browser calls `start(settings)`, then `run(door)`.

import { AccountDirectory, isSignerError, type KeyStore, type RemoteSigner, type SignerError } from "ethers-hsm";
import { createProvider } from "ethers-hsm/eip1193";
import { toViemAccount } from "ethers-hsm/viem";
import { AUTHORIZATION, IMPORTED, MESSAGE, TRANSACTION, TYPED_DATA } from "./samples.ts";

export interface Backend<S> {
  /** @param timeout in milliseconds. */
  readonly signer: (settings: S, timeout: number) => RemoteSigner;
  readonly store: (settings: S) => KeyStore;
  /** @returns the address. */
  readonly importKey: (settings: S, privateKey: string) => Promise<string>;
}

type Doors = Readonly<Record<string, () => Promise<unknown>>>;

/** Puts `start` and `run` where the driver finds them. */
export function offer<S>(backend: Backend<S>): void {
  let doors: Doors = {};
  Object.assign(globalThis, {
    start: (settings: S) => {
      doors = { ...doorsOf(backend.signer(settings, 30_000)), ...others(backend, settings) };
    },
    run: async (door: string) => {
      try {
        return { value: await doors[door]?.() };
      } catch (error) {
        return { error: isSignerError(error) ? shown(error) : { code: "", message: `no SignerError: ${error}` } };
      }
    },
  });
}

/** The same signer each time, so that a good call after a bad one shows that it goes on. */
function doorsOf(signer: RemoteSigner): Doors {
  const nowhere = { request: ({ method }: { method: string }) => Promise.reject(new Error(`${method} went upstream`)) };
  const provider = createProvider({ accounts: [signer], provider: nowhere });
  const { domain, types, value } = TYPED_DATA;
  return {
    address: () => signer.getAddress(),
    message: () => signer.signMessage(MESSAGE),
    "typed data": () => signer.signTypedData(domain, types, value),
    transaction: () => signer.signTransaction(TRANSACTION),
    authorization: async () => (await signer.authorize(AUTHORIZATION)).signature.serialized,
    aborted: () => signer.signDigest(new Uint8Array(32), { signal: AbortSignal.abort(new Error("changed my mind")) }),
    eth_accounts: () => provider.request({ method: "eth_accounts" }),
    personal_sign: async () => {
      const hex = [...new TextEncoder().encode(MESSAGE)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return provider.request({ method: "personal_sign", params: [`0x${hex}`, await signer.getAddress()] });
    },
    "viem message": async () => (await toViemAccount(signer)).signMessage({ message: MESSAGE }),
    "viem transaction": async () => {
      const { type: _, gasLimit: gas, to, ...transaction } = TRANSACTION;
      return (await toViemAccount(signer)).signTransaction({ ...transaction, type: "eip1559", gas, to });
    },
    close: () => signer.close(),
  };
}

function others<S>(backend: Backend<S>, settings: S): Doors {
  return {
    impatient: () => backend.signer(settings, 500).signMessage(MESSAGE),
    directory: async () => {
      const directory = new AccountDirectory({ stores: [backend.store(settings)] });
      const [address = ""] = await directory.accounts();
      return (await directory.getSigner(address)).signMessage(MESSAGE);
    },
    import: () => backend.importKey(settings, IMPORTED),
    "forbidden by the page's policy": () => fetch("http://127.0.0.1:9/"),
    eval: async () => new Function("return 1")(),
  };
}

function shown({ code, message, backend, retryable, requestId }: SignerError) {
  return { code, message, backend, retryable, requestId };
}
