import { rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import type { BuiltTarget } from "./engine/build.ts";
import { readInputs, writeInput } from "./engine/corpus.ts";
import { runTarget } from "./engine/run.ts";
import { CORPUS, FINDINGS } from "./folders.ts";
import type { Options } from "./options.ts";

/** A file that exports a target. */
export interface Target {
  readonly name: string;
  readonly path: string;
}

interface Search extends Options {
  readonly print: (line: string) => void;
}

/** Runs one target and reports it. True where there is a finding, which is a file then. */
export async function search({ name }: Target, built: BuiltTarget, options: Search): Promise<boolean> {
  const { print, seed, seconds, executions } = options;
  const corpus = await inputsOf(name, options);
  const start = performance.now();
  const report = await runTarget(built, { task: "search", seed: `${seed} ${name}`, seconds, executions, corpus });
  const { added, unreached, finding } = report;
  print(
    `${name.padEnd(24)}${report.executions} executions in ${((performance.now() - start) / 1000).toFixed(1)} s, ` +
      `${report.accepted} accepted; ${built.branches.length - unreached.length} of ${built.branches.length} branches; ` +
      `corpus ${corpus.length}, ${added.length} new`,
  );
  if (options.showsUncovered) for (const branch of unreached) print(`  not reached: ${built.branches[branch]?.place}`);
  if (options.corpus !== undefined) {
    for (const input of added) await writeInput(join(resolve(options.corpus), name), input);
  }
  if (!finding) return false;
  const path = await writeInput(join(resolve(options.findings ?? FINDINGS), name), finding.input, `${finding.kind}-`);
  const file = relative(process.cwd(), path);
  print(`FINDING in ${name}: ${finding.message}`);
  print(`  ${finding.input.length} bytes in ${file}`);
  print(`  npm run fuzz -- --target ${name} --replay ${file}`);
  return true;
}

/** Leaves in the corpus of a target what is needed of it and of `--corpus`. */
export async function minimise({ name }: Target, built: BuiltTarget, options: Options): Promise<string> {
  const inputs = await inputsOf(name, options);
  const corpus = inputs.sort((a, b) => a.length - b.length || Buffer.compare(a, b));
  const order = { task: "minimise", seed: name, seconds: 0, executions: 0, corpus } as const;
  const { added, finding } = await runTarget(built, order);
  if (finding) throw new Error(`${name}: ${finding.message}; see to this first`);
  const folder = join(CORPUS, name);
  await rm(folder, { recursive: true, force: true });
  for (const input of added) await writeInput(folder, input);
  const bytes = added.reduce((sum, { length }) => sum + length, 0);
  return `${name.padEnd(24)}${added.length} of ${inputs.length} inputs, ${bytes} bytes`;
}

async function inputsOf(name: string, { corpus }: Options): Promise<Uint8Array[]> {
  const folders = [CORPUS, FINDINGS, ...(corpus === undefined ? [] : [resolve(corpus)])];
  return (await Promise.all(folders.map((folder) => readInputs(join(folder, name))))).flat();
}
