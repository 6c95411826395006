import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, Transaction, verifyMessage } from "ethers";
import { CREDENTIALS, type Kms, PRIVATE_KEY, startKms } from "../aws-kms/support.ts";
import { CommandProcess } from "./support/command-process.ts";

const ADDRESS = computeAddress(PRIVATE_KEY);
const SUPPLIER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const TRANSACTION = {
  type: 2,
  chainId: 5,
  nonce: 7,
  gas: "0x5208",
  to: SUPPLIER,
  maxFeePerGas: "9",
  maxPriorityFeePerGas: "1",
};

const USDC = {
  context: { contract: { deployments: [{ chainId: 1, address: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48" }] } },
  metadata: { token: { ticker: "USDC", name: "USD Coin", decimals: 6 } },
};

let kms: Kms;
let cli: CommandProcess;
let folder: string;
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  kms = await startKms();
  kms.server.ring.putAlias("alias/treasury", kms.key);
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  cli = new CommandProcess({
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ETHERS_HSM_KEY: `aws-kms:alias/treasury?region=eu-west-1&endpoint=${kms.server.url}`,
  });
  // Inside of the project, so that its packages are found.
  mkdirSync(".cache", { recursive: true });
  folder = mkdtempSync(resolve(".cache/policy-"));
  const options = ["--bundle", "--packages=external", "--format=esm", `--outfile=${file("treasury.mjs")}`];
  execFileSync(resolve("node_modules/.bin/esbuild"), ["tests/cli/policies/treasury.ts", ...options], { stdio: "pipe" });
  writeFileSync(file("small.json"), JSON.stringify({ ...TRANSACTION, value: "100" }));
  writeFileSync(file("large.json"), JSON.stringify({ ...TRANSACTION, value: "101" }));
  writeFileSync(file("none.mjs"), "export const policy = {};");
  writeFileSync(file("broken.mjs"), "throw new Error('no database');");
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await kms.server.close();
});

const explain = (...args: string[]) =>
  cli.run(["policy", "explain", ...args, "--policy", file("treasury.mjs"), "--account", ADDRESS]);

describe("policy explain", () => {
  test("says what is allowed, and why not", async () => {
    const allowed = await explain(file("small.json"));
    expect([allowed.code, allowed.stderr]).toEqual([0, ""]);
    expect(allowed.stdout).toContain("allowed by pay the supplier");
    const denied = await explain(file("large.json"));
    expect(denied.code).toBe(1);
    expect(denied.stdout).toContain("because no rule allows it");
  });

  test("shows what a call means, by the descriptors of ERC-7730, which allow nothing", async () => {
    const token = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
    const data = `0xa9059cbb${SUPPLIER.slice(2).padStart(64, "0")}${(1_500_000).toString(16).padStart(64, "0")}`;
    writeFileSync(file("call.json"), JSON.stringify({ ...TRANSACTION, chainId: 1, to: token, data }));
    writeFileSync(file("usdc.json"), JSON.stringify(USDC));
    const raw = await explain(file("call.json"));
    const named = await explain(file("call.json"), "--descriptor", file("usdc.json"));
    expect([raw.code, named.code, named.stderr]).toEqual([1, 1, ""]);
    expect(raw.stdout).not.toContain('1.5 "USDC"');
    expect(named.stdout).toContain("because no rule allows it");
    expect(named.stdout).toContain('1.5 "USDC"');
    const { request } = JSON.parse(
      (await explain(file("call.json"), "--descriptor", file("usdc.json"), "--json")).stdout,
    );
    expect(request).toContainEqual(["signs", "a transaction of type 2 (EIP-1559)"]);
  });

  test("messages, and JSON for programs", async () => {
    writeFileSync(file("login.txt"), "login");
    const { code, stdout } = await explain(file("login.txt"), "--message", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      mode: "enforce",
      outcome: "allow",
      rule: "log in",
      policyId: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test.each([
    [["policy", "explain", "x.json", "--account", ADDRESS], "--policy is missing"],
    [["policy", "explain", "x.json", "--policy", "none.mjs"], "--account is missing"],
    [["policy", "show", "x.json"], "the action must be explain"],
  ])("%j ends with 2", async (args, message) => {
    const { code, stderr } = await cli.run(args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe("--policy of the commands that sign", () => {
  test("signs what is allowed, and nothing else", async () => {
    const { code, stdout } = await cli.run(["sign-tx", file("small.json"), "--policy", file("treasury.mjs")]);
    expect([code, Transaction.from(stdout.trim()).from]).toEqual([0, ADDRESS]);
    const before = kms.server.count("Sign");
    const denied = await cli.run(["sign-tx", file("large.json"), "--policy", file("treasury.mjs")]);
    expect([denied.code, denied.stdout]).toEqual([9, ""]);
    expect(denied.stderr).toContain("the policy treasury denied the signature: no rule allows it");
    expect(kms.server.count("Sign")).toBe(before);
  });

  test("messages are decided as well", async () => {
    const { stdout } = await cli.run(["sign-message", "login", "--policy", file("treasury.mjs")]);
    expect(verifyMessage("login", stdout.trim())).toBe(ADDRESS);
    expect((await cli.run(["sign-message", "order", "--policy", file("treasury.mjs")])).code).toBe(9);
  });

  test.each([
    ["none.mjs", "must export a policy"],
    ["broken.mjs", "cannot be loaded: no database"],
    ["missing.mjs", "cannot be loaded"],
  ])("%s is refused, and nothing is signed", async (name, message) => {
    const { code, stderr } = await cli.run(["sign-message", "login", "--policy", file(name)]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
