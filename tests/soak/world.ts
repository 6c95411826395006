import { JsonRpcProvider, Network, parseEther } from "ethers";
import { isSignerError } from "ethers-hsm";
import { createProvider } from "ethers-hsm/eip1193";
import { startAnvil } from "../support/anvil.ts";
import { isolatedProcesses } from "../support/isolated.ts";
import { until } from "../support/until.ts";
import type { Backend } from "./backend.ts";
import { ChainLedger } from "./chain-ledger.ts";
import { ChainProxy } from "./chain-proxy.ts";
import { keyVaultBackend, kmsBackend } from "./cloud-backends.ts";
import { takeSample } from "./samples.ts";
import { Sends } from "./sends.ts";
import { tokenBackends } from "./token-backends.ts";

/** All backends at once, and a chain on which each has an account. @param complain of what the chain shows. */
export async function openWorld(complain: (text: string) => void) {
  const tokens = tokenBackends();
  const clouds = [await kmsBackend(), await keyVaultBackend()];
  const backends: readonly Backend[] = [...clouds, tokens.inProcess, tokens.isolated];
  const anvil = await startAnvil();
  const proxy = await ChainProxy.start(anvil.url);
  const network = new Network("anvil", anvil.chainId);
  const upstream = new JsonRpcProvider(proxy.url, network, { staticNetwork: network, cacheTimeout: -1 });
  const provider = createProvider({ accounts: backends.map(({ signer }) => signer), provider: upstream });
  const accounts = backends.map(({ address }) => address.toLowerCase());
  for (const account of accounts) await anvil.fund(account, parseEther("1000000"));
  const ledger = await ChainLedger.open(anvil.provider(), accounts, complain);
  // The isolated library's process takes long to start on a busy machine; no call waits for it under a deadline later.
  for (const { signer, hasty } of backends) {
    await patiently(() => signer.getAddress());
    await patiently(() => hasty.getAddress());
  }
  return {
    backends,
    ledger,
    sends: new Sends(provider, anvil.chainId),
    proxy,
    sample: (lasting: AbortSignal) => takeSample(tokens.shims, lasting),
    /** Closes the signers, complains about what they leave open, and ends everything else. */
    async close(): Promise<void> {
      // Their deadline holds for close() as well, which goes on all the same: what stays open shows below.
      await Promise.all(backends.map(({ hasty }) => hasty.close().catch(requireTimeout)));
      await Promise.all(backends.map(({ signer }) => signer.close()));
      const isEnded = () =>
        tokens.shims.every((shim) => shim.stats().sessions === 0) && isolatedProcesses().length === 0;
      await settles(isEnded, () => complain("sessions or a library's process are left open by close()"));
      for (const { server, endConnections } of clouds) {
        endConnections();
        let open = 1;
        const ask = async () => {
          open = (await server.stats()).openConnections;
        };
        for (let round = 0; round < 100 && open > 0; round += 1) {
          await ask();
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        if (open > 0) complain(`${open} connections are left open by close()`);
        await server.kill();
      }
      upstream.destroy();
      await proxy.close();
      await anvil.stop();
      tokens.remove();
    },
  };
}

async function patiently(action: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await action();
      return;
    } catch (error) {
      if (attempt === 30) throw error;
    }
  }
}

function requireTimeout(error: unknown): void {
  if (!isSignerError(error, "BACKEND_TIMEOUT")) throw error;
}

async function settles(condition: () => boolean, otherwise: () => void): Promise<void> {
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
  }, 20_000);
  await until(() => isOver || condition());
  clearTimeout(timer);
  if (isOver) otherwise();
}
