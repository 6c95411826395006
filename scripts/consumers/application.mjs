import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { run, tail } from "../setup/command.mjs";
import { projectFolder } from "../setup/project.mjs";

const sources = join(projectFolder, "tests/package/consumers");
const tsc = join(projectFolder, "node_modules/typescript/bin/tsc");

/** How an application may compile: TypeScript's `module` and `moduleResolution`, and its package.json's `type`. */
const compilations = {
  node10: { module: "commonjs", type: "commonjs" },
  node16: { module: "node16", type: "commonjs" },
  nodenext: { module: "nodenext", type: "module" },
  bundler: { module: "esnext", type: "module" },
};

/** @typedef {{ what: string, ok: boolean, output: string }} Result */

/** An application in a folder of its own, which installs the packed library as anyone would. */
export class Application {
  /**
   * @param {string} folder
   * @param {readonly string[]} packages what `npm install` is given
   */
  constructor(folder, packages) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), "{}\n");
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    must(run("npm", ["install", ...options, ...packages], { cwd: folder }), `npm install ${packages.join(" ")}`);
    if (packages.some((name) => name.startsWith("pkcs11js@"))) {
      // It uses Node-API, so that what was compiled once loads in every Node, Bun and Deno.
      const build = "node_modules/pkcs11js/build";
      cpSync(join(projectFolder, build), join(folder, build), { recursive: true });
    }
  }

  /**
   * Compiles pkcs11js with the headers of another Node.
   *
   * @param {string} node its program, with `include/node` beside its folder as in Node's own archives
   * @returns {Result}
   */
  compilePkcs11js(node) {
    const bin = dirname(node);
    const env = { PATH: `${bin}${delimiter}${process.env["PATH"]}`, npm_config_nodedir: dirname(bin) };
    const args = ["rebuild", "pkcs11js", "--ignore-scripts=false", "--foreground-scripts"];
    const result = run("npm", args, { cwd: this.folder, env });
    return { what: `compiles pkcs11js for Node ${run(node, ["--version"]).output}`, ...result };
  }

  /**
   * @param {string} name of a program of tests/package/consumers
   * @param {string} [to] its path in the application
   * @returns {string} that path
   */
  add(name, to = name) {
    const path = join(this.folder, to);
    mkdirSync(dirname(path), { recursive: true });
    cpSync(join(sources, name), path);
    return to;
  }

  /**
   * Compiles programs into a folder of the resolution's name, and writes `all.js` there, which runs all but viem's in one process.
   *
   * @param {keyof typeof compilations} resolution
   * @param {readonly string[]} programs
   * @param {readonly string[]} [options] further ones of tsc
   * @returns {Result}
   */
  compile(resolution, programs, options = []) {
    const { module, type } = compilations[resolution];
    for (const program of programs) this.add(program, join(resolution, program));
    const cwd = join(this.folder, resolution);
    writeFileSync(join(cwd, "package.json"), `${JSON.stringify({ type })}\n`);
    const all = [...["--module", module, "--moduleResolution", resolution], "--target", "es2022", ...options];
    const result = run(process.execPath, [tsc, ...all, "--strict", "--esModuleInterop", ...programs], { cwd });
    const files = programs
      .filter((program) => program !== "viem.ts")
      .map((program) => `./${program.replace(/ts$/, "js")}`);
    const load = files.map((file) => (type === "module" ? `import "${file}";` : `require("${file}");`));
    writeFileSync(join(cwd, "all.js"), load.join("\n"));
    return { what: `compiles as ${type} with module resolution ${resolution}: ${programs.join(", ")}`, ...result };
  }

  /**
   * @param {string} what
   * @param {string} program
   * @param {readonly string[]} args
   * @param {Record<string, string>} env
   * @param {string} [cwd] from the application's folder
   * @returns {Result} it has failed if it wrote anything: a warning on stderr would be on every consumer's
   */
  run(what, program, args, env, cwd = ".") {
    const { ok, output } = run(program, args, { cwd: join(this.folder, cwd), env, timeout: 120_000 });
    return { what, ok: ok && output === "", output };
  }
}

/**
 * @param {{ ok: boolean, output: string }} result
 * @param {string} what
 */
export function must({ ok, output }, what) {
  if (!ok) throw new Error(`${what} failed:\n${tail(output)}`);
  return output;
}
