import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { PROJECT } from "./program.ts";

const EXAMPLES = join(PROJECT, "examples");
const RUNNER = join(PROJECT, "scripts/examples.mjs");
// They are for a cloud, and have tests and instructions of their own; or they are parts of the others.
const ELSEWHERE = ["aws-cdk-lambda", "aws-cloudhsm", "azure", "gcp", "policies", "support"];
// .ci/run runs them by themselves.
const APART = ["demo", "quorum"];

const folders = readdirSync(EXAMPLES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !ELSEWHERE.includes(entry.name))
  .map(({ name }) => name);
const examples = folders.filter((name) => !APART.includes(name));
const index = readFileSync(join(EXAMPLES, "README.md"), "utf8");

test("there are examples", () => expect(examples.length).toBeGreaterThanOrEqual(12));

test.each(folders)("the table of the examples has %s, with a command that exists", (name) => {
  expect(index).toContain(`](${name}`);
  expect(existsSync(join(EXAMPLES, name, "main.ts"))).toBe(true);
  if (name !== "demo") expect(index).toContain(`\`npx tsx examples/${name}/main.ts\``);
});

test("the runner has the same examples", () => {
  const runner = readFileSync(RUNNER, "utf8");
  const listed = [...runner.matchAll(/^ {2}"?([\w-]+)"?: \[/gm)].map(([, name]) => name);
  expect(listed.sort()).toEqual([...examples].sort());
});

describe.each(examples)("%s", (name) => {
  const folder = join(EXAMPLES, name);
  const readme = readFileSync(join(folder, "README.md"), "utf8");

  test("its README tells the command, and names files that there are", () => {
    expect(readme).toContain(`npx tsx examples/${name}/main.ts`);
    const named = [...readme.matchAll(/`([\w-]+\.(?:ts|js|sol|json))`/g)].map(([, file]) => file ?? "");
    for (const file of named) expect(existsSync(join(folder, file))).toBe(true);
  });

  test("what is to be copied imports packages, and files beside it", () => {
    const copied = readdirSync(folder).filter(
      (file) => /\.(ts|js)$/.test(file) && !["main.ts", "server.ts", "deployer.ts"].includes(file),
    );
    expect(copied.length).toBeGreaterThan(0);
    for (const file of copied) {
      const source = readFileSync(join(folder, file), "utf8");
      expect(source).not.toMatch(/(?:from|import\()\s*"\.\.\//);
    }
  });
});

test("Hardhat's contract is the one that is deployed without it", () => {
  const [one, other] = ["deploy-contract/vault.sol", "hardhat-deployment/contracts/Vault.sol"].map((file) => {
    return readFileSync(join(EXAMPLES, file), "utf8");
  });
  expect(one).toBe(other);
});
