// What users install: the packed library alone and with each set of peers, each in an empty project. No vulnerability that the
// registry knows of, and no package with install scripts but pkcs11js.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SETS = {
  "the library alone": [],
  "aws-kms": ["@aws-sdk/client-kms"],
  "azure-key-vault": ["@azure/keyvault-keys", "@azure/identity"],
  "gcp-kms": ["google-auth-library"],
  "pkcs11, cloudhsm": ["pkcs11js"],
  opentelemetry: ["@opentelemetry/api"],
  viem: ["viem"],
};
const WITH_SCRIPTS = new Set(["pkcs11js"]);
const HOOKS = ["preinstall", "install", "postinstall"];
const windows = { shell: process.platform === "win32" };

/**
 * @param {string} folder a node_modules
 * @returns {Generator<string>} every package in it, at any depth
 */
function* packagesIn(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder).filter((name) => !name.startsWith("."))) {
    const path = join(folder, entry);
    if (entry.startsWith("@")) yield* packagesIn(path);
    else {
      if (existsSync(join(path, "package.json"))) yield path;
      yield* packagesIn(join(path, "node_modules"));
    }
  }
}

/**
 * npm runs node-gyp where there is a binding.gyp, without a script.
 *
 * @param {string} path
 * @returns {{ name: string, hooks: string[] }[]}
 */
function hooksOf(path) {
  const { name, scripts = {} } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  const hooks = HOOKS.filter((hook) => scripts[hook] !== undefined);
  if (existsSync(join(path, "binding.gyp"))) hooks.push("binding.gyp");
  return hooks.length > 0 ? [{ name, hooks }] : [];
}

/**
 * @param {string} project
 * @returns {{ found: string[], unanswered?: string }} the vulnerable packages; or why the registry answered no audit
 */
function audit(project) {
  const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json"], {
    cwd: project,
    encoding: "utf8",
    ...windows,
  });
  const { vulnerabilities, message } = JSON.parse(stdout || "{}");
  return vulnerabilities === undefined
    ? { found: [], unanswered: message ?? "no answer" }
    : { found: Object.keys(vulnerabilities) };
}

const scratch = mkdtempSync(join(tmpdir(), "ethers-hsm-audit-"));
let failed = false;
let unaudited = 0;
try {
  const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", scratch], {
    encoding: "utf8",
    ...windows,
  });
  const result = JSON.parse(packed);
  const [{ filename }] = Array.isArray(result) ? result : Object.values(result);
  const { peerDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  for (const [name, peers] of Object.entries(SETS)) {
    const project = join(scratch, name.replace(/\W+/g, "-"));
    mkdirSync(project);
    const wanted = ["ethers", ...peers].map((peer) => [peer, peerDependencies[peer]]);
    const dependencies = { ...Object.fromEntries(wanted), "ethers-hsm": `file:../${filename}` };
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, dependencies }));
    execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: project,
      stdio: "inherit",
      ...windows,
    });
    const installed = [...packagesIn(join(project, "node_modules"))];
    const hooked = installed.flatMap(hooksOf);
    const { found, unanswered } = audit(project);
    console.log(`${name}: ${installed.length} packages`);
    for (const each of hooked) {
      const allowed = WITH_SCRIPTS.has(each.name);
      failed ||= !allowed;
      console.log(`  ${allowed ? "allowed" : "REFUSED"}: ${each.name} has ${each.hooks.join(", ")}`);
    }
    if (found.length > 0) {
      failed = true;
      console.log(`  VULNERABLE: ${found.join(", ")}`);
    } else if (unanswered !== undefined) {
      unaudited++;
      console.log(`  SKIPPED, NOT PASSED: npm audit had no answer of the registry (${unanswered})`);
    } else console.log("  npm audit knows of nothing");
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (unaudited > 0)
  console.log(
    `\nNOT AUDITED: ${unaudited} of ${Object.keys(SETS).length} sets. Run it where the registry answers audits.`,
  );
// sysexits.h: EX_TEMPFAIL. What was not looked at did not pass.
if (failed || unaudited > 0) process.exitCode = failed ? 1 : 75;
