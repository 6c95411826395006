import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, tail } from "../setup/command.mjs";
import { projectFolder } from "../setup/project.mjs";

const sources = join(projectFolder, "tests/package/consumers");
const tsc = join(projectFolder, "node_modules/typescript/bin/tsc");

/** How an application may compile: TypeScript's `module` and `moduleResolution`, and its package.json's `type`. */
const compilations = /** @type {const} */ ([
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
   */
  constructor(folder, packages) {
    this.folder = folder;
    this.withPkcs11js = packages.some((name) => name.startsWith("pkcs11js@"));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), "{}\n");
    must(
      run("npm", ["install", "--ignore-scripts", ...packages], { cwd: folder }),
      `npm install ${packages.join(" ")}`,
    );
    if (this.withPkcs11js) {
      // It uses Node-API, so that what was compiled once loads in every Node.
      const build = "node_modules/pkcs11js/build";
      cpSync(join(projectFolder, build), join(folder, build), { recursive: true });
    }
    for (const type of ["module", "commonjs"]) {
      mkdirSync(join(folder, type));
      writeFileSync(join(folder, type, "package.json"), `${JSON.stringify({ type })}\n`);
      cpSync(join(sources, "typed.ts"), join(folder, type, "typed.ts"));
    }
    cpSync(join(sources, "plain.cjs"), join(folder, "plain.cjs"));
  }

  /** @returns {Iterable<{ what: string, ok: boolean, output: string }>} what compiling it in every way gave */
  *compile() {
    for (const { module, resolution, type } of compilations) {
      const options = ["--module", module, "--moduleResolution", resolution, "--target", "es2022", "--strict"];
      const result = run(process.execPath, [tsc, ...options, "typed.ts"], { cwd: join(this.folder, type) });
      yield { what: `compiles as ${type} with module resolution ${resolution}`, ...result };
    }
  }

  /**
   * @param {string} node
   * @param {{ libraryPath: string, configuration: string }} token
   * @returns {Iterable<{ what: string, ok: boolean, output: string }>} what running it in every way gave
   */
  *run(node, token) {
    const version = run(node, ["--version"]).output;
    const pkcs11js = this.withPkcs11js ? "with-pkcs11js" : "without-pkcs11js";
    for (const program of ["module/typed.js", "commonjs/typed.js", "plain.cjs"]) {
      const { ok, output } = run(node, [program, token.libraryPath, pkcs11js], {
        cwd: this.folder,
        env: { SOFTHSM2_CONF: token.configuration },
        timeout: 60_000,
      });
      // A warning on stderr is a failure too: it would be on every consumer's.
      yield { what: `runs ${program} on Node ${version} ${pkcs11js}`, ok: ok && output === "", output };
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
