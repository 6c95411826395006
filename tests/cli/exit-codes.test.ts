import { beforeAll, describe, expect, test } from "@jest/globals";
import { id, makeError } from "ethers";
import { CommandError } from "../../src/cli/errors.ts";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { reportOf } from "../../src/cli/failure.ts";
import { SignerError } from "../../src/core/errors.ts";
import { LoopbackServer } from "../servers/support/loopback-server.ts";
import { cases } from "../support/cases.ts";
import type { SoftHsmToken } from "../support/softhsm.ts";
import { createToken } from "../support/softhsm-env.ts";
import { CommandLine } from "./support/command.ts";
import { CommandProcess } from "./support/command-process.ts";

const ADDRESS = "0x000000000000000000000000000000000000dEaD";
const SIGNATURE = `0x${"11".repeat(64)}1b`;

let token: SoftHsmToken;
let cli: CommandLine;
let command: CommandProcess;
let key: (object: string, query?: string) => string[];

beforeAll(async () => {
  token = createToken("exit");
  token.importKey(id("exit codes"), { label: "good" });
  token.importKey(id("no signatures"), { label: "no-sign", id: "0x02", sign: false });
  cli = new CommandLine({ P: token.pin });
  command = new CommandProcess({ P: token.pin });
  key = (object, query = "&pin-source=env:P") => [
    ...["--key", `pkcs11:token=${token.label};object=${object}?module-path=${token.libraryPath}${query}`],
  ];
});

describe("each exit code", () => {
  type Case = readonly [code: number, name: string, args: () => string[]];
  const table: readonly Case[] = [
    [0, "it worked", () => ["address", ...key("good")]],
    [1, "verify: another account", () => ["verify", "x", "--address", ADDRESS, "--signature", SIGNATURE]],
    [1, "doctor: a step failed", () => ["doctor", ...key("absent")]],
    [2, "an unknown option", () => ["address", "--kee"]],
    [2, "a URI", () => ["address", "--key", "pkcs11:"]],
    [3, "a PIN that pin-source does not find", () => ["address", ...key("good", "&pin-source=env:NONE")]],
    [3, "no PIN, and no terminal to ask at", () => ["address", ...key("good", "")]],
    [4, "no such key", () => ["address", ...key("absent")]],
    [
      5,
      "a backend out of reach",
      () => ["address", "--key", "aws-kms:alias/a?region=eu-west-1&endpoint=http://127.0.0.1:9"],
    ],
    [6, "a node out of reach", () => ["send", "--to", ADDRESS, "--rpc", "http://127.0.0.1:9", ...key("good")]],
    [7, "a key that may not sign", () => ["sign-message", "x", ...key("no-sign")]],
    [8, "no library", () => ["address", "--key", "pkcs11:object=a?module-path=/nonexistent.so&pin-source=env:P"]],
    [9, "a fee above the ceiling", () => ["sign-tx", "-", "--max-fee", "0", ...key("good")]],
  ];

  async function expectCode(cli: CommandLine, code: number, args: readonly string[]): Promise<void> {
    const fees = { maxFeePerGas: 1, maxPriorityFeePerGas: 1 };
    const input = JSON.stringify({ type: 2, chainId: 5, nonce: 0, gasLimit: 21_000, to: ADDRESS, ...fees });
    const env = { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "x", AWS_MAX_ATTEMPTS: "1" };
    const run = await cli.run(args, { input, env });
    expect({ ...run, code: run.code }).toMatchObject({ code });
    expect(run.stderr).not.toContain("please report");
  }

  test.each(table)("%i: %s", (code, _name, args) => expectCode(cli, code, args()));

  test.each(table.slice(0, cases(table.length, 2)))("%i is the process's: %s", (code, _name, args) =>
    expectCode(command, code, args()),
  );

  test("70: an error that no code stands for", async () => {
    const program = `Object.defineProperty(process, "stdin", { get: () => { throw new RangeError("out of order"); } });`;
    const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(program)}`;
    const args = ["verify", "-", "--address", ADDRESS, "--signature", SIGNATURE, "--json"];
    const run = await command.run(args, { env: { NODE_OPTIONS } });
    expect(run).toMatchObject({ code: 70, stdout: "" });
    const error = { code: "UNEXPECTED", message: "out of order", exitCode: 70 };
    expect(JSON.parse(run.stderr)).toEqual({ error });
  });
});

test("a connection that is left open does not keep the process", async () => {
  const node = await LoopbackServer.start(async () => "hang");
  const run = await command.run(["send", "--to", ADDRESS, "--timeout", "1", "--rpc", node.url, ...key("good")]);
  await node.close();
  expect(run).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining("[NODE_UNREACHABLE]") });
});

describe("no PIN without a terminal", () => {
  test.each([["address"], ["sign-message", "x"], ["accounts"]])(
    "%s ends with 3, and says what to set",
    async (...args) => {
      const run = await cli.run([...args, ...key("good", "")]);
      expect([run.code, run.stdout]).toEqual([3, ""]);
      expect(run.stderr).toMatch(
        /no PIN was given.*set ETHERS_HSM_PIN, or name a pin-source in the URI \[ACCESS_DENIED\]/,
      );
    },
  );
});

describe("the code of an error", () => {
  test.each<[code: string, exit: number, error: unknown]>([
    ["KEY_EXISTS", EXIT.usage, new SignerError("KEY_EXISTS", "x")],
    ["NONCE_EXPIRED", EXIT.chain, makeError("x", "NONCE_EXPIRED")],
    ["INVALID_ARGUMENT", EXIT.usage, makeError("x", "INVALID_ARGUMENT", { argument: "a", value: 1 })],
    ["DECLINED", EXIT.declined, new CommandError("DECLINED", "x")],
    ["CHECK_FAILED", EXIT.failedCheck, new CommandError("CHECK_FAILED", "x")],
    ["UNEXPECTED", EXIT.unexpected, new TypeError("x")],
  ])("%s", (code, exitCode, error) => expect(reportOf(error)).toMatchObject({ code, exitCode }));

  test("no class's name is a code: with --json each is in capitals", async () => {
    const calls = [
      ["address", "--kee"],
      ["send", "--to", ADDRESS, "--rpc", "http://127.0.0.1:9"],
      ["doctor", ...key("absent"), "--rpc", "http://127.0.0.1:9"],
    ];
    for (const args of calls) {
      const { stdout, stderr } = await cli.run([...args, "--json"]);
      const codes = [...`${stdout}${stderr}`.matchAll(/"code":"([^"]+)"/g)].map(([, code]) => code);
      expect(codes.length).toBeGreaterThan(0);
      for (const code of codes) expect(code).toMatch(/^[A-Z_]+$/);
    }
  });
});
