import { execFile } from "node:child_process";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { InterfaceAbi } from "ethers";
import { id } from "ethers";

/** What `ContractFactory` takes. */
export interface CompiledContract {
  readonly abi: InterfaceAbi;
  readonly bytecode: string;
}

interface CompilerOutput {
  readonly errors?: readonly { readonly formattedMessage: string }[];
  readonly contracts: Record<string, Record<string, { abi: InterfaceAbi; evm: { bytecode: { object: string } } }>>;
}

const require = createRequire(import.meta.url);
const FOLDER = dirname(fileURLToPath(import.meta.url));
const CACHE = join(FOLDER, "../../../.cache/contracts");

// In a process of its own: the compiler is 10 MB of WebAssembly that registers process-wide listeners when loaded.
function runCompiler(input: string): Promise<string> {
  const compiler = require.resolve("solc/solc.js");
  return new Promise((resolve, reject) => {
    const parameters = [compiler, "--standard-json"];
    const child = execFile(process.execPath, parameters, { maxBuffer: 2 ** 26 }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
    child.stdin?.end(input);
  });
}

async function compileSource(file: string, name: string, source: string): Promise<CompiledContract> {
  const input = {
    language: "Solidity",
    sources: { [file]: { content: source } },
    settings: { optimizer: { enabled: true }, outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } },
  };
  const printed = await runCompiler(JSON.stringify(input));
  // The command says which prover it did not find before it prints the JSON.
  const output = JSON.parse(printed.slice(printed.indexOf("{"))) as CompilerOutput;
  const compiled = output.contracts?.[file]?.[name];
  if (compiled === undefined || output.errors !== undefined) {
    throw new Error(`${file}: ${output.errors?.map((error) => error.formattedMessage).join("\n") ?? `no ${name}`}`);
  }
  return { abi: compiled.abi, bytecode: `0x${compiled.evm.bytecode.object}` };
}

/** Compiles contract `name` of `file` in this folder, once per text of it and version of the compiler: the result stays in the ignored `.cache`. */
export async function compile(file: string, name: string): Promise<CompiledContract> {
  const source = await readFile(join(FOLDER, file), "utf8");
  const { version } = require("solc/package.json") as { version: string };
  const cached = join(CACHE, `${name}-${id(version + source).slice(2, 18)}.json`);
  try {
    return JSON.parse(await readFile(cached, "utf8")) as CompiledContract;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const compiled = await compileSource(file, name, source);
  await mkdir(CACHE, { recursive: true });
  // Another worker may be at the same contract: a rename lets it see all of the file or nothing.
  const unfinished = `${cached}.${process.pid}`;
  await writeFile(unfinished, JSON.stringify(compiled));
  await rename(unfinished, cached);
  return compiled;
}
