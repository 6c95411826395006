import { Contract, ContractFactory, EnsPlugin, Network, namehash } from "ethers";
import type { Anvil } from "./anvil.ts";
import { compile } from "./contracts/compile.ts";

/** A name service on an {@link Anvil}, deployed by one of the node's own accounts. */
export interface Ens {
  /** anvil's network with the place of the registry: a provider of it resolves names. */
  readonly network: Network;
  /** Points `name` at `address`; the zero address leaves it registered without one. */
  register(name: string, address: string): Promise<void>;
}

export async function deployEns(anvil: Anvil): Promise<Ens> {
  const { abi, bytecode } = await compile("name-service.sol", "NameService");
  const deployer = await anvil.provider().getSigner(0);
  const deployed = await new ContractFactory(abi, bytecode, deployer).deploy();
  await deployed.waitForDeployment();
  const registry = new Contract(await deployed.getAddress(), abi, deployer);

  const network = new Network("anvil", anvil.chainId);
  network.attachPlugin(new EnsPlugin(await deployed.getAddress(), Number(anvil.chainId)));
  return {
    network,
    async register(name, address) {
      const sent = await registry.getFunction("register")(namehash(name), address);
      await sent.wait();
    },
  };
}
