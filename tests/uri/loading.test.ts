import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";

jest.setTimeout(180_000);

const run = promisify(execFile);
const CLASSES = ["KmsSigner", "AzureKeyVaultSigner", "GcpKmsSigner", "Pkcs11Signer", "CloudHsmSigner"];
// Tells each module that is loaded, on stdout; at once, since the hooks' thread ends with the program.
const HOOKS = `import { writeSync } from "node:fs";
  export async function load(url, context, next) { writeSync(1, url + "\\n"); return next(url, context); }`;

let folder: string;

beforeAll(async () => {
  mkdirSync(".cache", { recursive: true });
  // Inside of the project, so that its packages are found.
  folder = mkdtempSync(resolve(".cache", "uri-"));
  await run(resolve("node_modules/.bin/esbuild"), [
    ...["src/uri/index.ts", "--bundle", "--packages=external", "--platform=node", "--format=esm", "--splitting"],
    ...["--target=es2022", `--outdir=${folder}`, "--log-level=error", "--keep-names"],
  ]);
  writeFileSync(
    join(folder, "hooks.mjs"),
    `import { register } from "node:module"; register("data:text/javascript,${encodeURIComponent(HOOKS)}");`,
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The backends' signers among the code that is loaded, and the packages, once `uri` is a signer. */
async function loadedFor(uri: string): Promise<{ readonly classes: string[]; readonly packages: string[] }> {
  const program = `import { signerFromUri } from ${JSON.stringify(join(folder, "index.js"))};
    const signer = await signerFromUri(${JSON.stringify(uri)}, null, { timeout: 1000 });
    console.log("made " + signer.constructor.name);`;
  writeFileSync(join(folder, "program.mjs"), program);
  const { stdout } = await run(process.execPath, ["--import", join(folder, "hooks.mjs"), join(folder, "program.mjs")], {
    env: { PATH: process.env["PATH"] },
  });
  const files = stdout.split("\n").filter((line) => line.startsWith("file:"));
  const own = files
    .filter((file) => file.includes("/.cache/"))
    .map((file) => readFileSync(fileURLToPath(file), "utf8"));
  const packages = ["@aws-sdk/", "@azure/", "google-auth-library/", "pkcs11js/"].filter((name) =>
    files.some((file) => file.includes(`/${name}`)),
  );
  return {
    classes: CLASSES.filter((name) => own.some((text) => new RegExp(`class _?${name}\\b`).test(text))),
    packages,
  };
}

describe("signerFromUri loads only the backend that the URI names", () => {
  test.each<[uri: string, classes: string[], packages: string[]]>([
    ["aws-kms:alias/a?region=eu-west-1", ["KmsSigner"], []],
    ["azure-key-vault:https://a.vault.azure.net/keys/k", ["AzureKeyVaultSigner"], ["@azure/"]],
    ["gcp-kms:projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1", ["GcpKmsSigner"], []],
    ["pkcs11:object=k?module-name=softhsm2", ["Pkcs11Signer"], []],
    ["cloudhsm:object=k?pin-source=env:P", ["Pkcs11Signer", "CloudHsmSigner"], []],
  ])("%s", async (uri, classes, packages) => {
    expect(await loadedFor(uri)).toEqual({ classes, packages });
  });
});
