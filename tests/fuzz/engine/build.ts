import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { build } from "esbuild";
import { ROOT } from "../folders.ts";
import { type Branch, instrument } from "./instrument.ts";

/** An instrumented target on disk. */
export interface BuiltTarget {
  readonly path: string;
  readonly branches: readonly Branch[];
  readonly words: readonly string[];
}

/** Of the source, but only inputs are made with it. */
const NOT_DECODERS = join(ROOT, "src/testing/");

type Build = (targetPath: string, name: string, source?: string) => Promise<BuiltTarget>;

/** Runs `use` with a function that builds targets into a folder, which is removed afterwards. */
export async function withBuilds(use: (build: Build) => Promise<void>): Promise<void> {
  // Within the package, whose packages the bundle then finds.
  const cache = join(ROOT, ".cache");
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "fuzz-"));
  try {
    await use((targetPath, name, source = "src") =>
      buildTarget(targetPath, join(folder, `${name}.mjs`), resolve(source)),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Bundles a target with the loop into one file, every file below `source` instrumented. Packages are not bundled. */
async function buildTarget(targetPath: string, path: string, source: string): Promise<BuiltTarget> {
  const branches: Branch[] = [];
  const words = new Set<string>();
  const loop = join(import.meta.dirname, "worker.ts");
  const hitsPath = join(import.meta.dirname, "hits.ts");
  await build({
    stdin: {
      contents: `import { work } from ${JSON.stringify(loop)};
import { target } from ${JSON.stringify(targetPath)};
work(target);`,
      resolveDir: ROOT,
      loader: "ts",
    },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    packages: "external",
    outfile: path,
    logLevel: "error",
    plugins: [
      {
        name: "instrument",
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
            if (!file.startsWith(`${source}/`) || file.startsWith(NOT_DECODERS)) return undefined;
            const text = await readFile(file, "utf8");
            const contents = instrument(text, { name: relative(ROOT, file), hitsPath, branches, words });
            return { contents, loader: "js", resolveDir: join(file, "..") };
          });
        },
      },
    ],
  });
  // Such a run would take no input for a new one, and find next to nothing.
  if (branches.length === 0) throw new RangeError(`${targetPath} imports no branch of ${source}`);
  return { path, branches, words: [...words] };
}
