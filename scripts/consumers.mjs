// Packs the built package, installs it in applications outside the checkout, compiles those in every way that TypeScript
// resolves modules, and runs them on every supported Node.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Application, must } from "./consumers/application.mjs";
import { gettingStarted } from "./consumers/getting-started.mjs";
import { nodes } from "./consumers/nodes.mjs";
import { Services } from "./consumers/services.mjs";
import { makeToken } from "./consumers/token.mjs";
import { entryPoints } from "./entry-points.mjs";
import { run } from "./setup/command.mjs";
import { projectFolder } from "./setup/project.mjs";

entryPoints();
const { devDependencies, peerDependencies } = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8"));
const peers = Object.keys(peerDependencies);
const sdks = peers.filter((name) => name.startsWith("@"));
/** @param {string} name */
const newest = (name) => `${name}@${devDependencies[name]}`;
/** @param {string} name */
const lowest = (name) => `${name}@${peerDependencies[name].replace("^", "")}`;

let failures = 0;
const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-consumers-"));
try {
  const packed = must(run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: projectFolder }), "npm pack");
  const tarball = join(folder, /"filename": "(.+)"/.exec(packed)?.[1] ?? "");
  const token = makeToken(folder);
  const softHsm = { SOFTHSM2_CONF: token.configuration };
  // AWS's SDK says on Node 20 that later versions of it will need a later Node.
  const quiet = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };
  const services = await Services.start();
  const { libraryPath } = token;
  const [running = process.execPath, ...later] = nodes();
  const all = [running, ...later];
  const newestNode = later.at(-1) ?? running;
  const [hsm, cloud] = [["typed.ts", "plain.cjs"], ["cloud.ts"]];
  const [ethers, ethersAndPkcs11js, ethersAndSdks] = [["ethers"], ["ethers", "pkcs11js"], ["ethers", ...sdks]];
  const [ethersAndViem, ethersAndAws] = [
    ["ethers", "viem"],
    ["ethers", "@aws-sdk/client-kms"],
  ];

  for (const [name, packages, programs, on, parameters, env] of /** @type {const} */ ([
    ["ethers alone", ethers.map(newest), hsm, all, [libraryPath, "without-pkcs11js"], softHsm],
    ["pkcs11js", ethersAndPkcs11js.map(newest), hsm, all, [libraryPath, "with-pkcs11js"], softHsm],
    ["the lowest pkcs11js", ethersAndPkcs11js.map(lowest), hsm, [running], [libraryPath, "with-pkcs11js"], softHsm],
    ["the lowest SDKs", ethersAndSdks.map(lowest), cloud, [running], [services.json, "with-sdks"], quiet],
    ["the AWS SDK alone", ethersAndAws.map(newest), ["uri.ts"], [running], [services.json, "with-aws"], quiet],
    ["the lowest viem", ethersAndViem.map(lowest), ["viem.ts", "viem.cjs"], [running], ["with-viem"], {}],
    ["viem", ethersAndViem.map(newest), ["viem.ts", "viem.cjs"], all, ["with-viem"], {}],
    ["the vendors' SDKs", ethersAndSdks.map(newest), cloud, all, [services.json, "with-sdks"], quiet],
  ])) {
    console.log(`An application with ${name}: ${packages.join(", ")}`);
    const application = new Application(join(folder, name.replaceAll(" ", "-")), [tarball, ...packages], programs);
    for (const result of application.compile()) report(result);
    // It loads in all of them afterwards, since it uses Node-API.
    if (name === "pkcs11js") report(application.compilePkcs11js(newestNode));
    for (const node of on) for (const result of application.run(node, parameters, env)) report(result);
    if (name !== "the vendors' SDKs") continue;
    application.remove(sdks);
    for (const result of application.run(running, [services.json, "without-sdks"])) report(result);
  }

  const { rpc, kms } = JSON.parse(services.json);
  const credentials = { AWS_ACCESS_KEY_ID: "AKIACONSUMERCONSUMER", AWS_SECRET_ACCESS_KEY: "consumer" };
  const uri = `pkcs11:token=consumer;object=treasury?module-path=${libraryPath}&pin-source=env:HSM_PIN`;
  for (const [backend, packages, env] of /** @type {const} */ ([
    ["PKCS#11", ethersAndPkcs11js, { ...softHsm, ETHERS_HSM_KEY: uri, HSM_PIN: "user:password" }],
    [
      "AWS KMS",
      ethersAndAws,
      {
        ...{ ...quiet, ...credentials, AWS_ENDPOINT_URL_KMS: kms.endpoint },
        ETHERS_HSM_KEY: `aws-kms:${kms.keyId}?region=${kms.region}`,
      },
    ],
  ])) {
    console.log(`docs/getting-started.md, on ${backend}, in an empty folder`);
    const application = new Application(join(folder, `started-${backend}`), [tarball, ...packages.map(newest)], []);
    for await (const result of gettingStarted(application.folder, rpc, env)) report(result);
  }
  await services.stop();

  for (const version of [29, 30]) {
    const packages = [...ethersAndSdks, "viem", "@opentelemetry/api", "@types/node"].map(newest);
    console.log(`An application that tests with jest ${version}`);
    const application = new Application(
      join(folder, `jest-${version}`),
      [tarball, ...packages, `jest@${version}`],
      ["entries.test.cjs"],
    );
    report(application.runJest(quiet));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (failures > 0) process.exitCode = 1;

/** @param {{ what: string, ok: boolean, output: string }} result */
function report({ what, ok, output }) {
  console.log(`  ${ok ? "ok    " : "FAILED"} ${what}`);
  if (ok) return;
  failures += 1;
  console.log(output.replace(/^/gm, "         "));
}
