import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { run, tail } from "../setup/command.mjs";
import { projectFolder } from "../setup/project.mjs";

const sources = join(projectFolder, "tests/package/consumers");
const tsc = join(projectFolder, "node_modules/typescript/bin/tsc");

/** How an application may compile: TypeScript's `module` and `moduleResolution`, and its package.json's `type`. The last is run. */
const compilations = /** @type {const} */ ([
  { module: "commonjs", resolution: "node10", type: "commonjs" },
  { module: "node16", resolution: "node16", type: "module" },
  { module: "nodenext", resolution: "nodenext", type: "module" },
  { module: "esnext", resolution: "bundler", type: "module" },
  { module: "node16", resolution: "node16", type: "commonjs" },
]);

/** An application in a folder of its own, which installs the packed library as anyone would. */
export class Application {
  /**
   * @param {string} folder
   * @param {readonly string[]} packages what `npm install` is given
   * @param {readonly string[]} programs of tests/package/consumers
   */
  constructor(folder, packages, programs) {
    this.folder = folder;
    this.programs = programs;
    // viem declares ES modules only, as TypeScript's node16 sees it: its users in CommonJS write JavaScript.
    this.types = programs.includes("viem.ts") ? ["module"] : ["module", "commonjs"];
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), "{}\n");
    must(
      run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", ...packages], {
        cwd: folder,
      }),
      `npm install ${packages.join(" ")}`,
    );
    if (packages.some((name) => name.startsWith("pkcs11js@"))) {
      // It uses Node-API, so that what was compiled once loads in every Node.
      const build = "node_modules/pkcs11js/build";
      cpSync(join(projectFolder, build), join(folder, build), { recursive: true });
    }
    for (const type of this.types) {
      mkdirSync(join(folder, type));
      writeFileSync(join(folder, type, "package.json"), `${JSON.stringify({ type })}\n`);
      for (const program of this.#typed) cpSync(join(sources, program), join(folder, type, program));
    }
    // jest 29 finds no tests in .cjs files.
    for (const program of this.#plain)
      cpSync(join(sources, program), join(folder, program.replace(".test.cjs", ".test.js")));
  }

  /**
   * Compiles pkcs11js with the headers of another Node.
   *
   * @param {string} node its program, with `include/node` beside its folder as in Node's own archives
   */
  compilePkcs11js(node) {
    const bin = dirname(node);
    const env = { PATH: `${bin}${delimiter}${process.env["PATH"]}`, npm_config_nodedir: dirname(bin) };
    const args = ["rebuild", "pkcs11js", "--ignore-scripts=false", "--foreground-scripts"];
    const result = run("npm", args, { cwd: this.folder, env });
    return { what: `compiles pkcs11js for Node ${run(node, ["--version"]).output}`, ...result };
  }

  /** @param {Record<string, string>} env */
  runJest(env) {
    const result = run(process.execPath, ["node_modules/jest/bin/jest.js"], {
      cwd: this.folder,
      env,
      timeout: 120_000,
    });
    return { what: "passes its tests in jest with default settings", ...result };
  }

  get #typed() {
    return this.programs.filter((program) => program.endsWith(".ts"));
  }

  get #plain() {
    return this.programs.filter((program) => program.endsWith(".cjs"));
  }

  /** @param {readonly string[]} names of packages */
  remove(names) {
    must(run("npm", ["uninstall", ...names], { cwd: this.folder }), `npm uninstall ${names.join(" ")}`);
  }

  /** @returns {Iterable<{ what: string, ok: boolean, output: string }>} what compiling it in every way gave */
  *compile() {
    for (const { module, resolution, type } of compilations) {
      if (!this.types.includes(type)) continue;
      const options = [
        "--module",
        module,
        "--moduleResolution",
        resolution,
        "--target",
        "es2022",
        "--strict",
        "--esModuleInterop",
      ];
      const result = run(process.execPath, [tsc, ...options, ...this.#typed], { cwd: join(this.folder, type) });
      yield { what: `compiles as ${type} with module resolution ${resolution}`, ...result };
    }
  }

  /**
   * @param {string} node
   * @param {readonly string[]} parameters of each program
   * @param {Record<string, string>} [env]
   * @returns {Iterable<{ what: string, ok: boolean, output: string }>} what running it in every way gave
   */
  *run(node, parameters, env = {}) {
    const version = run(node, ["--version"]).output;
    const compiled = this.#typed.map((program) => program.replace(/ts$/, "js"));
    const programs = [...this.types.flatMap((type) => compiled.map((each) => `${type}/${each}`)), ...this.#plain];
    for (const program of programs) {
      const { ok, output } = run(node, [program, ...parameters], { cwd: this.folder, env, timeout: 60_000 });
      // A warning on stderr is a failure too: it would be on every consumer's.
      yield { what: `runs ${program} on Node ${version} ${parameters.at(-1)}`, ok: ok && output === "", output };
    }
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
