import { AccountDirectory } from "ethers-hsm";
import { Report } from "../demo/report.ts";
import { type Chain, openChain } from "./chain.ts";
import { readOptions } from "./options.ts";
import { STORES } from "./stores.ts";

/** What an example of several keys runs with. */
export interface ManyKeys {
  /** The accounts of a store where `--backend` says, one for each name. */
  readonly directory: AccountDirectory;
  readonly chain: Chain;
  readonly report: Report;
}

/**
 * Runs `play` with new keys in a stand-in of the backend that the command line names, and with a local chain. It
 * removes both afterwards. Whatever `play` throws ends the process with exit code 1.
 */
export async function withKeys(names: readonly string[], play: (keys: ManyKeys) => Promise<void>): Promise<void> {
  const { backend } = readOptions(["backend"]);
  const report = new Report();
  const service = await STORES[backend]?.();
  if (!service) throw new Error(`no backend ${backend}`);
  let chain: Chain | undefined;
  const directory = new AccountDirectory({ stores: [service.store] });
  try {
    chain = await openChain(undefined);
    for (const name of names) await service.create(name);
    report.step("keys", `${names.length} new ones, ${service.store.id}`);
    await play({ directory, chain, report });
    report.end();
  } finally {
    directory.close();
    await service.store.close?.();
    await service.close();
    await chain?.close();
  }
}
