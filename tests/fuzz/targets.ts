import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import cases from "./cases.json" with { type: "json" };
import type { FuzzTarget } from "./target.ts";

const FOLDER = fileURLToPath(new URL("targets", import.meta.url));

/** The names of the files in targets/. */
export const TARGETS: readonly string[] = readdirSync(FOLDER)
  .map((name) => name.replace(/\.ts$/, ""))
  .sort();

/** A target, and the inputs of which all others are made: its seeds, and what an earlier search found worth keeping. */
export async function loadTarget(name: string): Promise<{ target: FuzzTarget; inputs: Uint8Array[] }> {
  const { target } = (await import(join(FOLDER, `${name}.ts`))) as { readonly target: FuzzTarget };
  const kept = (cases as Readonly<Record<string, readonly string[]>>)[name] ?? [];
  return { target, inputs: [...target.seeds(), ...kept.map((text) => new Uint8Array(Buffer.from(text, "base64")))] };
}
