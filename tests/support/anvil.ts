import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import type { Readable } from "node:stream";
import { JsonRpcProvider, Network, toQuantity } from "ethers";

/** A private Ethereum node that mines every transaction at once. Nothing else talks to it, and nothing of it stays. */
export interface Anvil {
  readonly url: string;
  readonly chainId: bigint;
  /**
   * A provider of its own for the caller, without caches; `stop()` ends it. Requests that are made within `batchStallTime`
   * milliseconds go together.
   */
  provider(network?: Network, batchStallTime?: number): JsonRpcProvider;
  /** Sets the balance of `address`. */
  fund(address: string, wei: bigint): Promise<void>;
  /** Ends the node and every provider it gave out. */
  stop(): Promise<void>;
}

const CHAIN_ID = 31337n;

// anvil would survive a parent that dies without saying so. This one sits between: it notices by the end of its stdin.
const KEEPER = `
  const { spawn } = require("node:child_process");
  const [command, ...parameters] = process.argv.slice(1);
  const anvil = spawn(command, parameters, { stdio: ["ignore", "inherit", "inherit"] });
  const end = () => anvil.kill("SIGKILL");
  anvil.on("error", (error) => { console.error(error.message); process.exit(1); });
  anvil.on("exit", () => process.exit());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, end);
  process.stdin.on("end", end).resume();
`;

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** The binary itself: the package's own launcher needs its install script, which may not have run. */
function findBinary(): string {
  const umbrella = createRequire(import.meta.url).resolve("@foundry-rs/anvil/package.json");
  const platform = `${process.platform}-${ARCHITECTURES[process.arch] ?? process.arch}`;
  const suffix = process.platform === "win32" ? ".exe" : "";
  return createRequire(umbrella).resolve(`@foundry-rs/anvil-${platform}/bin/anvil${suffix}`);
}

/** Reads until anvil says where it listens; afterwards the stream is drained, or anvil would block on a full pipe. */
async function readUrl(stdout: Readable, stderr: Readable): Promise<string> {
  let output = "";
  stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    const onData = (text: string) => {
      output += text;
      const address = /Listening on (\S+:\d+)/.exec(output)?.[1];
      if (address === undefined) return;
      stdout.off("data", onData).resume();
      resolve(`http://${address}`);
    };
    stdout.setEncoding("utf8").on("data", onData);
    stdout.once("end", () => reject(new Error(`anvil ended before it listened:\n${output}`)));
  });
}

/** Starts anvil on a free port of the loopback interface. Osaka knows every transaction type and both blob proofs. */
export async function startAnvil(): Promise<Anvil> {
  const parameters = ["--host", "127.0.0.1", "--port", "0", "--chain-id", `${CHAIN_ID}`, "--hardfork", "osaka"];
  const keeper = spawn(process.execPath, ["-e", KEEPER, findBinary(), ...parameters]);
  const closed = once(keeper, "close");
  const url = await readUrl(keeper.stdout, keeper.stderr);
  const providers: JsonRpcProvider[] = [];

  const provider = (network = new Network("anvil", CHAIN_ID), batchStallTime = 10): JsonRpcProvider => {
    const options = { staticNetwork: network, cacheTimeout: -1, pollingInterval: 20, batchStallTime };
    const created = new JsonRpcProvider(url, network, options);
    providers.push(created);
    return created;
  };
  const admin = provider();

  return {
    url,
    chainId: CHAIN_ID,
    provider,
    async fund(address, wei) {
      await admin.send("anvil_setBalance", [address, toQuantity(wei)]);
    },
    async stop() {
      for (const created of providers.splice(0)) created.destroy();
      keeper.stdin.end();
      await closed;
    },
  };
}
