// Writes dist/approval-page.html: the approver's page, one file that needs no network.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const source = new URL("../src/approvals/page/", import.meta.url);
const FILE = new URL("../dist/approval-page.html", import.meta.url);

/** @returns {Promise<string>} the page, whose policy allows its own script and style, and nothing else */
export async function makeApprovalPage() {
  const script = await bundle("page.ts");
  const style = await bundle("page.css");
  const policy = [
    "default-src 'none'",
    `script-src '${hash(script)}'`,
    `style-src '${hash(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
    // No text becomes markup or a script, whatever code tries it.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  return readFileSync(new URL("page.html", source), "utf8")
    .replace("default-src 'none'", () => policy)
    .replace("<style></style>", () => `<style>${style}</style>`)
    .replace("<script></script>", () => `<script>${script}</script>`);
}

/** @param {string} name */
async function bundle(name) {
  const { outputFiles } = await build({
    entryPoints: [new URL(name, source).pathname],
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    target: "es2022",
    charset: "ascii",
    legalComments: "none",
    write: false,
    logLevel: "error",
  });
  const text = outputFiles[0]?.text ?? "";
  if (/<\/(script|style)/i.test(text)) throw new Error(`${name} would end its own element`);
  return text;
}

/** @param {string} text */
function hash(text) {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  mkdirSync(new URL(".", FILE), { recursive: true });
  writeFileSync(FILE, await makeApprovalPage());
}
