import { parseArgs } from "node:util";
import { BACKENDS } from "../demo/backends.ts";

/** What the examples take on their command lines. */
export interface ExampleOptions {
  /** `--backend`: where the key lives. */
  readonly backend: string;
  /** `--key`: a key of the real service; undefined for a stand-in of the service and a new key. */
  readonly key: string | undefined;
  /** `--rpc`: the node of a chain that you have; undefined for a local one of its own. */
  readonly rpc: string | undefined;
}

const ALL = ["backend", "key", "rpc"] as const;

/**
 * Reads the command line, and ends the process with exit code 2 where it is wrong.
 *
 * @param names the options that the example takes.
 * @param backends those that it can use.
 */
export function readOptions(
  names: readonly (typeof ALL)[number][] = ALL,
  backends: readonly string[] = Object.keys(BACKENDS),
): ExampleOptions {
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: "string" } as const]));
    const values: { readonly [name: string]: string | undefined } = parseArgs({ options }).values;
    const { backend = backends[0] ?? "", key, rpc } = values;
    if (!backends.includes(backend)) throw new Error(`--backend must be one of ${backends.join(", ")}`);
    if (rpc !== undefined && !URL.canParse(rpc)) throw new Error("--rpc must be a node's URL");
    return { backend, key, rpc };
  } catch (error) {
    const usage = names.map((name) =>
      name === "backend" ? `[--backend ${backends.join("|")}]` : `[--${name} ${name.toUpperCase()}]`,
    );
    console.error(`${(error as Error).message}\nusage: main.ts ${usage.join(" ")}`);
    process.exit(2);
  }
}
