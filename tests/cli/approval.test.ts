import { type KeyObject, verify } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Interface, Transaction } from "ethers";
import {
  type ApprovalRequest,
  parseQuorumApproval,
  parseQuorumTokenFile,
  serializeApprovalRequest,
  serializeQuorumTokenFile,
} from "../../src/approvals/index.ts";
import { ACCOUNT, requestFor, rsaKey } from "../approvals/requests.ts";
import { CommandLine } from "./support/command.ts";

const TOKEN = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const ALICE = "0x000000000000000000000000000000000000dEaD";
const EXPECTED = ["--account", ACCOUNT, "--chain-id", "1"];
const abi = new Interface(["function transfer(address to,uint256 amount)", "function pay(address to,uint256 amount)"]);

const cli = new CommandLine();
const keys = { alice: rsaKey(), bob: rsaKey(), carol: rsaKey() };
let folder: string;
const at = (name: string) => join(folder, name);

function payment(data: string, times: object = {}): ApprovalRequest {
  const fees = { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n, gasLimit: 100_000n };
  const made = Transaction.from({ type: 2, chainId: 1n, to: TOKEN, data, ...fees });
  return requestFor("a message", {
    digest: made.unsignedHash,
    content: { type: "transaction", unsigned: made.unsignedSerialized },
    createdAt: new Date(Date.now() - 1_000),
    expiresAt: new Date(Date.now() + 600_000),
    ...times,
  });
}

const request = payment(abi.encodeFunctionData("transfer", [ALICE, 1_500_000n]));
const typed = `${request.digest.slice(2, 6)} ${request.digest.slice(-4)}`;

function pem(key: KeyObject, passphrase?: string): string {
  const cipher = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
  return key.export({ format: "pem", type: "pkcs8", ...cipher } as never).toString();
}

function publicPem(key: KeyObject): string {
  return key.export({ format: "pem", type: "spki" }).toString();
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ethers-hsm-approval-"));
  const files: Record<string, string> = {
    "request.json": serializeApprovalRequest(request),
    "unknown.json": serializeApprovalRequest(payment(abi.encodeFunctionData("pay", [ALICE, 1n]))),
    "expired.json": serializeApprovalRequest(
      payment("0x", { createdAt: new Date(Date.now() - 9_000), expiresAt: new Date(Date.now() - 1_000) }),
    ),
    "changed.json": serializeApprovalRequest(request).replace(/"value": "0"/, '"value": "1"'),
    "token.json": serializeQuorumTokenFile(request.token),
    "book.json": JSON.stringify({ [ALICE]: "Alice", [TOKEN]: "USDC" }),
    "abi.json": abi.formatJson(),
    "usdc.json": JSON.stringify({
      context: { contract: { deployments: [{ chainId: 1, address: TOKEN }] } },
      metadata: { token: { ticker: "USDC", decimals: 6 } },
      display: { formats: {} },
    }),
    "encrypted.pem": pem(keys.bob.privateKey, "correct horse"),
    "ec.pem": "-----BEGIN PRIVATE KEY-----\nplanted-secret\n-----END PRIVATE KEY-----\n",
  };
  for (const [name, { privateKey, publicKey }] of Object.entries(keys)) {
    files[`${name}.pem`] = pem(privateKey);
    files[`${name}.pub.pem`] = publicPem(publicKey);
  }
  for (const [name, text] of Object.entries(files)) await writeFile(at(name), text);
});
afterAll(() => rm(folder, { recursive: true }));

const shown = (...others: string[]) => ["approval", "show", at("request.json"), ...EXPECTED, ...others];
const sign = (...others: string[]) => ["approval", "sign", at("request.json"), ...EXPECTED, ...others];
const by = (name: string) => ["--user", name, "--key", at(`${name}.pem`)];
const approver = (name: string) => ["--approver", `${name}=${at(`${name}.pub.pem`)}`];

describe("show", () => {
  test("prints what is signed, by its meaning", async () => {
    const files = ["--address-book", at("book.json"), "--descriptor", at("usdc.json")];
    const { code, stdout } = await cli.run(["approval", "show", at("request.json"), ...EXPECTED, ...files]);
    expect(code).toBe(0);
    expect(stdout).toContain(`to            "USDC" = \n  | ${TOKEN}`);
    expect(stdout).toMatch(/call\.amount {3}1\.5 "USDC" = 1500000/);
    expect(stdout).not.toContain("WARNING");
  });

  test("from the standard input, as JSON, with warnings", async () => {
    const args = ["approval", "show", "-", "--any-account", "--any-chain", "--address-book", at("book.json")];
    const input = readFileSync(at("unknown.json"), "utf8");
    const shown = await cli.json(args, { input });
    expect(shown).toMatchObject({ account: ACCOUNT, chainId: "1", warnings: [expect.stringContaining("not decoded")] });
    const decoded = await cli.json([...args, "--abi", `${TOKEN}=${at("abi.json")}`], { input });
    expect(decoded["warnings"]).toEqual([]);
    expect(decoded["lines"]).toContainEqual(["call", "pay(address,uint256), read as your ABI"]);
  });

  test.each([
    ["another account", "request.json", ["--account", ALICE, "--chain-id", "1"], /is for 0x2c75.*, not for 0x0000/],
    ["another chain", "request.json", ["--account", ACCOUNT, "--chain-id", "5"], /is for chain 1, not for chain 5/],
    ["too late", "expired.json", EXPECTED, /expired at/],
    ["changed on its way", "changed.json", EXPECTED, /do not approve/],
  ])("%s: ends with 1", async (_name, file, options, message) => {
    const run = await cli.run(["approval", "show", at(file), ...options]);
    expect(run).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(message) });
    expect(run.stderr).toContain("[CHECK_FAILED]");
  });

  test.each([
    ["no action", ["approval"], /action must be one of/],
    ["no request", ["approval", "show"], /REQUEST is missing/],
    ["a page with a file", ["approval", "page", "a"], /page takes no file/],
    ["a page to nowhere", ["approval", "page"], /pass --out FILE, or --serve/],
    ["two requests", ["approval", "show", "a", "b"], /takes one REQUEST/],
    ["no expectation", ["approval", "show", "/nonexistent", "--any-chain"], /pass --account as you know it/],
    ["two expectations", ["approval", "show", "x", ...EXPECTED, "--any-chain"], /pass --chain-id as you know it/],
    ["no address", ["approval", "show", "x", "--account", "me", "--any-chain"], /--account must be an address/],
    ["no chain", ["approval", "show", "x", "--any-account", "--chain-id", "one"], /--chain-id must be an integer/],
    ["no file", ["approval", "show", "/nonexistent/x", ...EXPECTED], /REQUEST names cannot be read: ENOENT/],
    ["a pair that is none", ["approval", "show", "x", ...EXPECTED, "--abi", "abi.json"], /--abi must be ADDRESS=FILE/],
  ])("%s: ends with 2", async (_name, args, message) => {
    expect(await cli.run(args)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(message) });
  });
});

describe("sign", () => {
  test("asks for the digest's first and last characters", async () => {
    const run = await cli.atTerminal(sign(...by("bob")), [{ prompt: "type its first and last 4", typed: typed }]);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain("call          transfer(address,uint256)");
    const [json = ""] = /\{[^{}]*\}\s*$/.exec(run.stdout) ?? [];
    const { signature, username } = parseQuorumApproval(json);
    expect(username).toBe("bob");
    const data = Buffer.from(request.token.approval_data, "base64");
    expect(verify("sha256", data, keys.bob.publicKey, Buffer.from(signature, "base64"))).toBe(true);
  });

  test.each([["0000 0000"], ["yes"], [""], [typed.slice(0, 4)]])("nothing is signed for %j", async (wrong) => {
    const run = await cli.atTerminal(sign(...by("bob")), [{ prompt: "type its first and last 4", typed: wrong }]);
    expect(run.code).toBe(9);
    expect(run.stdout).toContain("nothing was signed [DECLINED]");
    expect(run.stdout).not.toContain("signature");
  });

  test("without a terminal it wants the digest", async () => {
    expect(await cli.run(sign(...by("bob")))).toMatchObject({ code: 9, stdout: "" });
    const other = `0x${"11".repeat(32)}`;
    expect(await cli.run(sign(...by("bob"), "--digest", other))).toMatchObject({ code: 1, stdout: "" });
    const approval = await cli.json(sign(...by("bob"), "--digest", request.digest));
    expect(approval).toMatchObject({ username: "bob", role: "crypto-user" });
  });

  test("a request that is not what is expected is not signed", async () => {
    const args = ["approval", "sign", at("request.json"), "--account", ALICE, "--any-chain", ...by("bob")];
    expect(await cli.run([...args, "--digest", request.digest])).toMatchObject({ code: 1, stdout: "" });
  });

  test("the passphrase comes from the environment or from a prompt", async () => {
    const args = sign("--user", "bob", "--key", at("encrypted.pem"), "--digest", request.digest);
    const env = { ETHERS_HSM_PASSPHRASE: "correct horse" };
    const expected = JSON.parse((await cli.run([...args, "--json"], { env })).stdout);
    const asked = await cli.atTerminal([...args, "--json"], [{ prompt: "Passphrase", typed: "correct horse" }]);
    expect(asked.stdout).toContain(expected.signature);
    expect(asked.stdout).not.toContain("correct horse");
    for (const wrong of ["", "planted-secret"]) {
      const run = await cli.run(args, { env: { ETHERS_HSM_PASSPHRASE: wrong } });
      expect(run).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("passphrase") });
      expect(run.stderr).not.toContain("planted");
    }
    const unreadable = await cli.run(sign("--user", "bob", "--key", at("ec.pem"), "--digest", request.digest));
    expect(unreadable).toMatchObject({ code: 2, stderr: expect.stringContaining("--key must be a private key") });
    expect(unreadable.stderr).not.toContain("planted");
  });

  test("into a new file only", async () => {
    const args = sign(...by("bob"), "--digest", request.digest, "--out", at("once.json"));
    expect(await cli.run(args)).toMatchObject({ code: 0, stdout: `bob approved ${request.digest}\n` });
    expect(await cli.run(args)).toMatchObject({ code: 2, stderr: expect.stringContaining("EEXIST") });
  });
});

describe("verify and merge", () => {
  const approvals: Record<string, string> = {};
  const files = (...names: string[]) => names.map((name) => approvals[name] ?? "");

  beforeAll(async () => {
    for (const name of Object.keys(keys)) {
      approvals[name] = at(`${name}.approval.json`);
      const signed = sign(...by(name), "--digest", request.digest, "--out", approvals[name]);
      expect((await cli.run(signed)).stderr).toBe("");
    }
    // By another user's key, and of another token.
    approvals["wrong"] = at("wrong.json");
    const { signature } = parseQuorumApproval(readFileSync(approvals["alice"] ?? "", "utf8"));
    await writeFile(approvals["wrong"], JSON.stringify({ username: "bob", role: "crypto-user", signature }));
  });

  const check = (names: string[], ...others: string[]) => [
    ...["approval", "verify", at("request.json"), ...files(...names), ...EXPECTED],
    ...[...approver("alice"), ...approver("bob"), ...others],
  ];

  test("valid ones are told, and counted", async () => {
    const run = await cli.run(check(["alice", "bob"], "--required", "2"));
    expect(run).toMatchObject({
      code: 0,
      stdout: "valid         alice\nvalid         bob\n2 valid approvals of 2 required\n",
    });
  });

  test.each<[string, string[], string[], RegExp]>([
    ["too few", ["alice"], ["--required", "2"], /1 valid approvals of 2 required/],
    ["an unknown approver", ["alice", "carol"], [], /NOT valid {5}carol is not among/],
    ["twice the same", ["alice", "alice"], [], /NOT valid {5}alice approved twice/],
    ["by another's key", ["wrong"], [], /NOT valid {5}bob's approval is not a/],
  ])("%s: ends with 1", async (_name, names, others, message) => {
    expect(await cli.run(check(names, ...others))).toMatchObject({ code: 1, stdout: expect.stringMatching(message) });
  });

  test("a name that is a sentence is one word, and no row looks like another", async () => {
    const username = `${"x ".repeat(30)}valid         bob`;
    const approval = { ...parseQuorumApproval(readFileSync(approvals["bob"] ?? "", "utf8")), username };
    await writeFile(at("sentence.json"), JSON.stringify(approval));
    const { code, stdout } = await cli.run([...check([]), at("sentence.json")]);
    expect(code).toBe(1);
    for (const row of stdout.trimEnd().split("\n").slice(0, -1))
      expect(row).toMatch(/^(NOT valid {5}| {2}\| ).{0,40}$/);
    expect(stdout).toMatch(/^0 valid approvals$/m);
    const merged = await cli.run([
      "approval",
      "merge",
      at("token.json"),
      at("sentence.json"),
      "--out",
      at("merged.json"),
    ]);
    expect(merged.stdout).not.toMatch(/^valid/m);
  });

  test("approvals that a request brings along do not count", async () => {
    const { signatures: _, ...token } = request.token;
    const signatures = [parseQuorumApproval(readFileSync(approvals["bob"] ?? "", "utf8"))];
    await writeFile(
      at("brought.json"),
      serializeApprovalRequest({ ...request, token: { ...token, signatures } } as never),
    );
    const args = ["approval", "verify", at("brought.json"), ...files("alice"), ...EXPECTED, ...approver("alice")];
    const run = await cli.run([...args, ...approver("bob"), "--required", "2"]);
    expect(run).toMatchObject({ code: 1, stdout: expect.stringContaining("1 valid approvals of 2 required") });
  });

  test.each<[string, () => string[], RegExp]>([
    [
      "two keys of one approver",
      () => check(["alice"], ...approver("alice")),
      /--approver is there twice for one NAME/,
    ],
    [
      "one key of two approvers",
      () => check(["alice"], "--approver", `eve=${at("bob.pub.pem")}`),
      /bob and eve are one approver|eve and bob are one approver/,
    ],
    ["two ABIs of one contract", () => shown("--abi", `${TOKEN}=a`, "--abi", `${TOKEN}=b`), /--abi is there twice/],
    ["two names of one address", () => shown("--address-book", at("twice.json")), /addressBook has an address twice/],
    ["a name twice", () => shown("--address-book", at("member.json")), /--address-book names has a member twice/],
    ["a file that is not JSON", () => shown("--descriptor", at("bob.pem")), /--descriptor names is not JSON/],
  ])("%s: ends with 2", async (_name, args, message) => {
    await writeFile(at("twice.json"), JSON.stringify({ [TOKEN]: "USDC", [TOKEN.toLowerCase()]: "mine" }));
    await writeFile(at("member.json"), `{"${TOKEN}":"USDC","${TOKEN}":"mine"}`);
    expect(await cli.run(args())).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(message) });
  });

  test.each(["request.json", "token.json"])("merge makes the CLI's token file, of %s", async (source) => {
    const args = ["approval", "merge", at(source), ...files("alice", "bob"), "--required", "2"];
    const { code, stdout } = await cli.run([...args, ...approver("alice"), ...approver("bob")]);
    expect(code).toBe(0);
    expect(parseQuorumTokenFile(stdout).signatures.map(({ username }) => username)).toEqual(["alice", "bob"]);
    const out = at(`${source}.approved`);
    expect(await cli.run([...args, "--out", out])).toMatchObject({ code: 0 });
    expect(readFileSync(out, "utf8")).toBe(stdout);
  });

  test("merge refuses too few, and what verify refuses", async () => {
    const merge = (...others: string[]) => cli.run(["approval", "merge", at("token.json"), ...others]);
    const out = ["--out", at("never.json")];
    expect(await merge(...files("alice"), "--required", "2", ...out)).toMatchObject({ code: 1, stdout: "" });
    expect(await merge(...files("wrong"), ...approver("bob"), ...out)).toMatchObject({ code: 1, stdout: "" });
    expect(existsSync(at("never.json"))).toBe(false);
  });
});
