import type { RemoteSigner } from "ethers-hsm";
import { BACKENDS } from "../demo/backends.ts";
import { Report } from "../demo/report.ts";
import { type Chain, openChain } from "./chain.ts";
import { readOptions } from "./options.ts";

/** What an example runs with. */
export interface Stage {
  /** A signer whose key is where `--backend` says, connected to the chain. */
  readonly signer: RemoteSigner;
  readonly address: string;
  readonly chain: Chain;
  readonly report: Report;
}

/**
 * Runs `play` with a key and a chain of the command line, and removes afterwards what it made for that. Whatever `play`
 * throws ends the process with exit code 1.
 */
export async function onStage(play: (stage: Stage) => Promise<void>): Promise<void> {
  const { backend, key, rpc } = readOptions();
  const report = new Report();
  const service = BACKENDS[backend]?.(key);
  if (!service) throw new Error(`no backend ${backend}`);
  let chain: Chain | undefined;
  let signer: RemoteSigner | undefined;
  try {
    chain = await openChain(rpc);
    signer = await service.open(chain.provider);
    const address = await signer.getAddress();
    report.step("key", `${signer.keyId}, ${service.description}`);
    report.step("account", address);
    await play({ signer, address, chain, report });
    report.end();
  } finally {
    await signer?.close();
    await service.close();
    await chain?.close();
  }
}
