import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { softHsmPath } from "../support/softhsm-env.ts";
import { CommandProcess } from "./support/command-process.ts";
import { examined } from "./support/steps.ts";

const VERSION = "projects/acme/locations/europe-west1/keyRings/eth/cryptoKeys/treasury/cryptoKeyVersions/1";
const cli = new CommandProcess();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ethers-hsm-cli-"));
});

afterAll(() => rm(folder, { recursive: true }));

/** An environment in which Node finds no such package, as where it is not installed. */
async function without(name: string): Promise<Record<string, string>> {
  const hooks = `export async function resolve(specifier, context, next) {
    if (specifier !== ${JSON.stringify(name)}) return next(specifier, context);
    throw Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
  }`;
  const file = join(folder, `${name.replace(/\W/g, "-")}.mjs`);
  const register = `data:text/javascript,${encodeURIComponent(hooks)}`;
  await writeFile(file, `import { register } from "node:module"; register(${JSON.stringify(register)});`);
  return { NODE_OPTIONS: `--import ${pathToFileURL(file).href}`, P: "1234" };
}

describe("a package that is not installed: 8, and what to install", () => {
  test.each(["address", "doctor"])("@azure/identity, without which %s has no credentials", async (command) => {
    const uri = "azure-key-vault:https://127.0.0.1:9/keys/k";
    const run = await cli.run([command, "--key", uri], { env: await without("@azure/identity") });
    expect(run).toMatchObject({ code: 8, stdout: "", stderr: expect.stringContaining("npm install @azure/identity") });
  });

  test.each<[name: string, uri: () => string, step: string]>([
    ["@aws-sdk/client-kms", () => "aws-kms:alias/a?region=eu-west-1", "SDK"],
    ["@azure/keyvault-keys", () => "azure-key-vault:https://127.0.0.1:9/keys/k", "SDK"],
    ["google-auth-library", () => `gcp-kms:${VERSION}?endpoint=http://127.0.0.1:9`, "credentials"],
    ["pkcs11js", () => `pkcs11:object=k?module-path=${softHsmPath()}&pin-source=env:P`, "pkcs11js"],
  ])("%s", async (name, uri, step) => {
    const env = { ...(await without(name)), AZURE_TOKEN_CREDENTIALS: "EnvironmentCredential" };
    const run = await cli.run(["address", "--key", uri()], { env });
    expect([run.code, run.stdout]).toEqual([8, ""]);
    expect(run.stderr).toContain(`npm install ${name}`);
    const examination = await examined(cli, ["--key", uri()], { env });
    expect(examination.code).toBe(1);
    expect(examination.step(step)).toMatchObject({
      ...{ status: "failed", code: "DEPENDENCY_MISSING", detail: expect.stringContaining(`npm install ${name}`) },
    });
  });
});

test("a package whose version cannot be learnt works all the same", async () => {
  // As in a bundle, where nothing is found by its name.
  const program = `import Module from "node:module";
    const find = Module._resolveFilename;
    Module._resolveFilename = (name, ...others) => {
      if (name === "pkcs11js") throw new Error("not found");
      return find(name, ...others);
    };`;
  const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(program)}`;
  const uri = `pkcs11:object=k?module-path=${softHsmPath()}&pin-source=env:P`;
  const { step } = await examined(cli, ["--key", uri], { env: { NODE_OPTIONS, P: "1234" } });
  expect(step("pkcs11js")).toMatchObject({ status: "ok", detail: "pkcs11js (version unknown)" });
});
