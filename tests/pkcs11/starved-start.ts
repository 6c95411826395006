// Signs with an isolated library while this process has no file descriptor left, and again once it has. Prints what came of it as
// JSON. It runs where `ulimit -n` is low:
//
//   tsx tests/pkcs11/starved-start.ts OPTIONS

import { closeSync, openSync } from "node:fs";
import { Pkcs11Signer } from "ethers-hsm/pkcs11";
import { letChildrenReadTypeScript } from "../support/isolated.ts";

/** What the process prints. */
export interface StarvedStart {
  /** The code of the first call's error. */
  readonly during: unknown;
  /** The signature of the next one. */
  readonly after: string;
  /** What this process warned of. */
  readonly warnings: readonly string[];
}

const options = JSON.parse(process.argv[2] ?? "");
const files: number[] = [];
const warnings: string[] = [];

letChildrenReadTypeScript();
process.on("warning", ({ name, message }) => warnings.push(`${name}: ${message}`));
// What is loaded once only is.
const warm = Array.from({ length: 12 }, () => new Pkcs11Signer(options));
await Promise.all(warm.map((each) => each.getAddress()));
await Promise.all(warm.map((each) => each.close()));
const signer = new Pkcs11Signer(options);
try {
  for (;;) files.push(openSync("/dev/null", "r"));
} catch {
  // As many as there may be.
}
const during = await signer.signMessage("during").catch((error: { readonly code?: unknown }) => error.code);
for (const file of files) closeSync(file);
const after = await signer.signMessage("after");
await signer.close();
process.stdout.write(JSON.stringify({ during, after, warnings } satisfies StarvedStart));
