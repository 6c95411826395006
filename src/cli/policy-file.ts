import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Policy } from "../policy/policy.ts";
import type { Context } from "./context.ts";
import { CommandError, requireUsage } from "./errors.ts";

/**
 * The policy that a module exports as `policy` or by default. Loading it runs its code.
 *
 * @throws CommandError USAGE.
 */
export async function readPolicy(context: Context): Promise<Policy | undefined> {
  const file = context.text("policy");
  if (file === undefined) return undefined;
  const found = await load(file);
  const policy = found["policy"] ?? found["default"];
  const isPolicy = typeof (policy as Partial<Policy> | undefined)?.decide === "function";
  requireUsage(isPolicy, "the module of --policy must export a policy of definePolicy(), as `policy` or by default");
  return policy as Policy;
}

async function load(file: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    const { message } = error as Partial<Error>;
    throw new CommandError("USAGE", `the module of --policy cannot be loaded: ${message ?? "it throws no error"}`);
  }
}
