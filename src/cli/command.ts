import type { Context } from "./context.ts";

/** An option of the command line, as parseArgs of node:util takes it, and as the help shows it. */
interface OptionDescription {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** What stands after it in the help: `URI`, `FILE`. */
  readonly value?: string;
  readonly help: string;
  /** It may be there several times; only strings. */
  readonly multiple?: boolean;
}

export type OptionTable = Readonly<Record<string, OptionDescription>>;

export interface Command {
  readonly name: string;
  /** One line of the list of commands. */
  readonly summary: string;
  /** What stands after the name: `MESSAGE`, `FILE`, or nothing. */
  readonly argument?: string;
  readonly details: readonly string[];
  readonly options: OptionTable;
  /** Without `ethers-hsm` before them; what stands after # explains. */
  readonly examples: readonly string[];
  /** @returns the exit code. */
  run(context: Context): Promise<number>;
}

/** What every command knows. */
export const COMMON_OPTIONS: OptionTable = {
  json: { type: "boolean", help: "print JSON for programs" },
  help: { type: "boolean", short: "h", help: "print this help" },
};

/** The further options of commands that need a key, or a place of keys. */
export const KEY_OPTIONS: OptionTable = {
  key: { type: "string", short: "k", value: "URI", help: "the key, or the place of keys; default: $ETHERS_HSM_KEY" },
  timeout: { type: "string", value: "SECONDS", help: "the longest wait for one call of the backend; default: 30" },
  proxy: { type: "string", value: "URL", help: "the HTTP proxy to a cloud's service; default: $HTTPS_PROXY" },
};

/** The further option of commands that sign. */
export const POLICY_OPTION: OptionTable = {
  policy: {
    type: "string",
    value: "FILE",
    help: "an ES module that exports a policy, which decides before each signature",
  },
};

export const RPC_OPTION: OptionTable = {
  rpc: { type: "string", value: "URL", help: "the node; default: $ETHERS_HSM_RPC, which hides the URL from others" },
};
