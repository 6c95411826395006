// Packs the built package, installs it with the vendors' SDKs outside the checkout, bundles pages of it for browsers, and lets those
// sign in a real Chromium, against servers that speak AWS KMS's and Key Vault's protocols. ethers verifies in this process what
// the pages signed.
//
// Where no Chromium can be had it says so and skips, but for a CI run (CI=true), which fails.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle, install } from "./browser/application.mjs";
import { approvalPage, servedPage } from "./browser/approval-page.mjs";
import { approvedPayments } from "./browser/approval-sending.mjs";
import { awsKms, azureKeyVault } from "./browser/backends.mjs";
import { badAnswers, check, goodAnswers, outOfReach, policy } from "./browser/checks.mjs";
import { launch, Page } from "./browser/chromium.mjs";
import { Site } from "./browser/site.mjs";
import { must } from "./consumers/application.mjs";
import { entryPoints } from "./entry-points.mjs";
import { prepareChromium } from "./setup/chromium.mjs";
import { run } from "./setup/command.mjs";
import { projectFolder } from "./setup/project.mjs";
import { SetupError } from "./setup/setup-error.mjs";

const packages = ["ethers", "viem", "@aws-sdk/client-kms", "@azure/keyvault-keys"];

let [passed, failed] = [0, 0];
try {
  entryPoints();
  await main(prepareChromium());
  console.log(`browser: ${passed} checks passed, ${failed} failed`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.log(`browser: skipped: ${error.message}`);
  if (process.env["CI"]) process.exitCode = 1;
}

/** @param {string} executablePath */
async function main(executablePath) {
  const { devDependencies } = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8"));
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-browser-"));
  const browser = await launch(executablePath);
  try {
    const packed = must(
      run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: projectFolder }),
      "npm pack",
    );
    const tarball = join(folder, /"filename": "(.+)"/.exec(packed)?.[1] ?? "");
    const application = join(folder, "application");
    install(application, [tarball, ...packages.map((name) => `${name}@${devDependencies[name]}`)]);
    for (const start of [awsKms, () => azureKeyVault(true)]) await visit(browser, application, await start());
    await visitWithoutCors(browser, application);
    const page = join(folder, "approve.html");
    const command = join(application, "node_modules/.bin/ethers-hsm");
    must(run(command, ["approval", "page", "--out", page], { cwd: application }), "ethers-hsm approval page");
    console.log("The approvers' page, as the command of the package writes it:");
    for await (const result of approvalPage(browser, page)) report(result);
    report(await servedPage(command, application, page));
    console.log("Payments that people approve in the page, by the command and by functions:");
    const files = /** @type {const} */ ({ page, command: [command], folder });
    for await (const result of approvedPayments(browser, files)) report(result);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {import("playwright-core").Browser} browser
 * @param {string} application
 * @param {import("./browser/backends.mjs").Backend} backend
 */
async function visit(browser, application, backend) {
  const { files, packages } = await bundle(application, backend.page);
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  console.log(`A page with ethers-hsm/${backend.page}, ${bytes} bytes of scripts, in Chromium ${browser.version()}:`);
  const foreign = [...packages].filter((name) => backend.foreignPackages.test(name));
  report(check("no code of another backend in its bundle", foreign, () => foreign.length === 0));

  await withPage(browser, backend, files, async (page, site, origin) => {
    for await (const result of goodAnswers(page, backend)) report(result);
    for await (const result of badAnswers(page, backend)) report(result);
    const aborted = await page.run("aborted");
    report(check("an aborted call rejects", aborted, () => /changed my mind/.test(aborted.error?.message ?? "")));
    await backend.stop();
    report(await outOfReach(page, "the server is down"));
    const asked = [...page.origins];
    const known = [origin, backend.url];
    report(check("only its own servers were asked", asked, () => asked.every((each) => known.includes(each))));
    const closed = await page.run("close");
    report(check("the signer closes", closed, () => closed.error === undefined));
    for await (const result of policy(page, site)) report(result);
  });
}

/**
 * @param {import("playwright-core").Browser} browser
 * @param {string} application
 */
async function visitWithoutCors(browser, application) {
  console.log("A page with ethers-hsm/azure-key-vault, whose vault answers no other origin, as Key Vault itself:");
  const backend = await azureKeyVault(false);
  const { files } = await bundle(application, backend.page);
  await withPage(browser, backend, files, async (page) => report(await outOfReach(page, "no CORS")));
  await backend.stop();
}

/**
 * @param {import("playwright-core").Browser} browser
 * @param {import("./browser/backends.mjs").Backend} backend
 * @param {ReadonlyMap<string, Uint8Array>} files
 * @param {(page: Page, site: Site, origin: string) => Promise<void>} use
 */
async function withPage(browser, backend, files, use) {
  const site = new Site(backend.page, files, [backend.url]);
  const origin = await site.start();
  const page = new Page(await browser.newPage());
  try {
    await page.open(origin, backend.settings);
    await use(page, site, origin);
  } finally {
    await page.page.close();
    await site.stop();
  }
}

/** @param {import("./browser/checks.mjs").Result} result */
function report({ what, ok, output }) {
  console.log(`  ${ok ? "ok    " : "FAILED"} ${what}`);
  if (ok) passed += 1;
  else {
    failed += 1;
    console.log(output.replace(/^/gm, "         "));
  }
}
