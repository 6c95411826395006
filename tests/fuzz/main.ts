import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { minimise, search, type Target } from "./campaign.ts";
import { withBuilds } from "./engine/build.ts";
import { judge, Violation } from "./engine/judge.ts";
import { TARGETS } from "./folders.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import type { FuzzTarget } from "./target.ts";

const print = (line: string) => process.stdout.write(`${line}\n`);

/** Gives the exit code: 1 where there are findings. */
async function main(options: Options): Promise<number> {
  const targets = await chosen(options);
  if (options.replay !== undefined) return replay(targets, options.replay);
  print(`${targets.length} targets, seed ${options.seed}`);
  let findings = 0;
  await withBuilds(async (build) => {
    for (const target of targets) {
      const built = await build(target.path, target.name, options.source);
      if (options.minimises) print(await minimise(target, built, options));
      else if (await search(target, built, { ...options, seconds: options.seconds / targets.length, print }))
        findings++;
    }
  });
  print(`${findings} findings`);
  return findings === 0 ? 0 : 1;
}

async function chosen({ targetFolder = TARGETS, targets }: Options): Promise<Target[]> {
  const folder = resolve(targetFolder);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".ts")).map((name) => name.slice(0, -3));
  const unknown = targets?.find((name) => !names.includes(name));
  if (names.length === 0) throw new RangeError(`there is no target in ${folder}`);
  if (unknown !== undefined) throw new RangeError(`no target ${unknown}; there are ${names.sort().join(", ")}`);
  return names
    .filter((name) => targets?.includes(name) ?? true)
    .sort()
    .map((name) => ({ name, path: join(folder, `${name}.ts`) }));
}

/** Decodes one file as it is, without instrumentation. */
async function replay([target, ...others]: readonly Target[], file: string): Promise<number> {
  if (target === undefined || others.length > 0) throw new RangeError("--replay needs one --target");
  const module = (await import(target.path)) as { readonly target: FuzzTarget };
  const input = new Uint8Array(await readFile(file));
  try {
    print(`${input.length} bytes: ${judge(module.target, input, { isTimed: true })}`);
    return 0;
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    print(`${input.length} bytes: ${error.message}`);
    const { cause } = error;
    if (cause instanceof Error) print(cause.stack ?? "");
    return 1;
  }
}

try {
  process.exitCode = await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n${USAGE}\n`);
  process.exitCode = 2;
}
