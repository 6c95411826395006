import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { layoutHeader } from "./layout.ts";

const SOURCE = join(import.meta.dirname, "shim.c");
const FLAGS = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-shared", "-fPIC", "-fvisibility=hidden", "-pthread"];
const COMPILERS = ["cc", "gcc", "clang"];

/** Compiles the shim, once for each state of its source on this machine. @returns the path of the library */
export function buildShim(): string {
  const source = readFileSync(SOURCE);
  const header = layoutHeader();
  const hash = createHash("sha256").update(source).update(header).update(FLAGS.join(" ")).digest("hex").slice(0, 16);
  const cache = join(tmpdir(), `ethers-hsm-shim-${userInfo().uid}`);
  const library = join(cache, `${hash}.so`);
  if (existsSync(library)) return library;

  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const work = mkdtempSync(join(cache, "build-"));
  try {
    writeFileSync(join(work, "layout.h"), header);
    const made = join(work, "shim.so");
    compile([...FLAGS, `-I${work}`, "-o", made, SOURCE, "-ldl"]);
    // Another worker may have been faster; its library is the same.
    renameSync(made, library);
    return library;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function compile(args: readonly string[]): void {
  for (const compiler of COMPILERS) {
    const { error, status, stderr } = spawnSync(compiler, args, { encoding: "utf8" });
    if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") continue;
    if (status === 0 && stderr === "") return;
    throw new Error(`${compiler} could not compile the PKCS#11 shim:\n${error?.message ?? stderr}`);
  }
  throw new Error(
    `No C compiler is on the PATH (${COMPILERS.join(", ")}), and the tests of faults compile a PKCS#11 module of their own. ` +
      "Install one, for example with: sudo apt-get install build-essential",
  );
}
