import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import packageJson from "../../package.json";
import { commands } from "../../src/cli/commands.ts";
import { COMMAND } from "../support/programs.ts";
import { CommandLine } from "./support/command.ts";
import { CommandProcess } from "./support/command-process.ts";

const cli = new CommandLine();

describe("the help", () => {
  test("lists every command, the URIs and the environment", async () => {
    const { code, stdout, stderr } = await cli.run(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    const words =
      "accounts address create import sign-message sign-typed-data sign-tx send nonces policy audit approval verify custody doctor".split(
        " ",
      );
    expect(commands.map(({ name }) => name)).toEqual(words);
    for (const word of [
      ...words,
      "aws-kms:",
      "azure-key-vault:",
      "gcp-kms:",
      "pkcs11:",
      "cloudhsm:",
      "ETHERS_HSM_KEY",
    ]) {
      expect(stdout).toContain(word);
    }
    expect(await cli.run(["help"])).toEqual({ code, stdout, stderr });
    expect(await cli.run([])).toEqual({ code: 2, stdout, stderr });
  });

  test.each(commands.map(({ name }) => name))("of %s shows its options and examples", async (name) => {
    const { code, stdout } = await cli.run([name, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: ethers-hsm ${name}`));
    expect(stdout).toMatch(new RegExp(`Examples:\n  ethers-hsm ${name} `));
    expect(stdout).toContain("--json");
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(132);
  });

  test("help COMMAND is the same as COMMAND --help", async () => {
    expect(await cli.run(["help", "sign-tx"])).toEqual(await cli.run(["sign-tx", "--help"]));
  });

  test("its reader may stop early", async () => {
    const line = `set -o pipefail; '${process.execPath}' '${COMMAND}' --help | true`;
    expect(await promisify(execFile)("bash", ["-c", line])).toEqual({ stdout: "", stderr: "" });
  });

  test("--version is the package's", async () => {
    expect((await new CommandProcess().run(["--version"])).stdout).toBe(`${packageJson.version}\n`);
  });
});

describe("a command line that cannot be right ends with 2", () => {
  test.each<[name: string, args: string[], message: RegExp]>([
    ["no such command", ["sing"], /this command does not exist/],
    ["an unknown option", ["address", "--kee", "x"], /Unknown option '--kee'.*see ethers-hsm address --help/],
    ["an option twice", ["address", "--key", "a", "--key", "b"], /--key is there twice/],
    ["an option without its value", ["address", "--key"], /--key/],
    ["a stray argument", ["address", "planted-secret"], /takes no argument beside its options/],
    ["no key", ["address"], /no key is named: pass --key URI, or set ETHERS_HSM_KEY/],
    ["an empty key", ["address", "--key", ""], /--key is empty/],
    [
      "a wrong URI",
      ["address", "--key", "pkcs11:object=k?pin-value=planted-secret"],
      /pin-value at position 17 is refused/,
    ],
    ["a place in place of a key", ["address", "--key", "aws-kms:?region=eu-west-1"], /names a place, not a key/],
    ["no library", ["address", "--key", "pkcs11:object=k"], /needs the library, by module-path/],
    [
      "a timeout that is not a number",
      ["address", "--key", "aws-kms:a", "--timeout", "1s"],
      /--timeout must be an integer/,
    ],
    ["no message", ["sign-message", "--key", "aws-kms:a"], /MESSAGE is missing/],
    ["two messages", ["sign-message", "a", "b", "--key", "aws-kms:a"], /one MESSAGE is expected, not 2: quote/],
    ["a message that is not hex", ["sign-message", "--hex", "hello"], /with --hex the message must be 0x/],
    ["a missing file", ["sign-tx", "/nonexistent/tx.json"], /cannot be read: ENOENT/],
    ["a new key by a key id", ["create", "--key", "aws-kms:1234"], /names its alias, aws-kms:alias\/NAME, or nothing/],
    [
      "a new key without a name",
      ["create", "--key", "pkcs11:token=t?module-path=/nonexistent/lib.so"],
      /must name its label: object=NAME/,
    ],
    ["no node", ["send", "--to", "0x1", "--key", "aws-kms:a"], /no node is named/],
    ["a node that is not a URL", ["send", "--rpc", "localhost"], /must be a URL/],
  ])("%s", async (_name, args, message) => {
    const { code, stdout, stderr } = await cli.run(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("planted");
  });

  test("with --json the error is JSON on stderr", async () => {
    const { code, stdout, stderr } = await cli.run(["address", "--json", "--key", "nonsense:planted"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: "INVALID_ARGUMENT", message: expect.stringContaining("must begin with aws-kms:"), exitCode: 2 },
    });
    expect(stderr).not.toContain("planted");
  });
});
