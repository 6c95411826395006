import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { whyNotLoaded } from "../../src/pkcs11/library.ts";

const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-library-"));

afterAll(() => rmSync(folder, { recursive: true }));

/** What Node throws for the import of pkcs11js in a fresh process whose only packages are those in `at`. */
function importError(at: string): Error & { readonly code?: string } {
  const script = `import("pkcs11js").catch(({ message, code }) => console.log(JSON.stringify({ message, code })))`;
  const env = { ...process.env, NODE_OPTIONS: "" };
  const { message, code } = JSON.parse(
    execFileSync(process.execPath, ["-e", script], { cwd: at, env, encoding: "utf8" }),
  );
  return Object.assign(new Error(message), { code });
}

describe("pkcs11js that cannot be imported", () => {
  test("is not installed: what to install, and what that needs", () => {
    const why = whyNotLoaded(importError(folder));
    expect(why).toMatch(/^is not installed: run npm install pkcs11js; it needs python3/);
  });

  test("is not compiled, as where install scripts are not allowed: what to run", () => {
    const installed = dirname(require.resolve("pkcs11js/package.json"));
    const copy = join(folder, "uncompiled", "node_modules", "pkcs11js");
    mkdirSync(copy, { recursive: true });
    for (const file of ["package.json", "index.js"]) cpSync(join(installed, file), join(copy, file));
    const why = whyNotLoaded(importError(join(folder, "uncompiled")));
    expect(why).toMatch(/^is not compiled: run npm rebuild pkcs11js, with install scripts allowed; it needs python3/);
  });

  test("fails for another reason: that reason", () => {
    expect(whyNotLoaded(new Error("invalid ELF header"))).toBe("cannot be loaded: invalid ELF header");
    expect(whyNotLoaded(Object.assign(new Error("denied"), { code: "EACCES" }))).toBe("cannot be loaded: denied");
  });
});
