import { beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, id } from "ethers";
import { nameColumn, printable } from "../../src/cli/printable.ts";
import { LoopbackServer } from "../servers/support/loopback-server.ts";
import type { SoftHsmToken } from "../support/softhsm.ts";
import { createToken } from "../support/softhsm-env.ts";
import { CommandLine } from "./support/command.ts";

const OTHER = "0x000000000000000000000000000000000000dEaD";
const ESCAPES = "\u001b]0;title\u0007\u001b[2J\r\n\u009b2K\u202e\u2028\u200b\u061c\u{e0041}";

let token: SoftHsmToken;
let cli: CommandLine;

beforeAll(async () => {
  token = createToken("printing");
  token.importKey(id("a forged row"), { label: `x\n${OTHER}  hot-wallet  pkcs11:object=hot`, id: "0x01" });
  token.importKey(id("escapes"), { label: ESCAPES, id: "0x02" });
  token.importKey(id("spaces"), { label: `x${" ".repeat(70)}${OTHER}`, id: "0x03" });
  cli = new CommandLine({
    ...{
      P: token.pin,
      ETHERS_HSM_KEY: `pkcs11:token=${token.label};id=%02?module-path=${token.libraryPath}&pin-source=env:P`,
    },
  });
});

/** But for the line breaks between lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for them.
const STEERING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/u;

describe("text from outside", () => {
  test("is printable on one line, and JSON reads it back", () => {
    expect(printable("plain text, ünicode 🦊")).toBe("plain text, ünicode 🦊");
    expect(printable("a\u001b[31m\n")).toBe("a\\u001b[31m\\u000a");
    expect(printable(ESCAPES)).not.toMatch(STEERING);
    expect(JSON.parse(printable(JSON.stringify(ESCAPES)))).toBe(ESCAPES);
  });

  test.each<[name: string, shown: string]>([
    ["hot-wallet", "hot-wallet"],
    ["hot wallet", "hot wallet"],
    ["alias/treasury", "alias/treasury"],
    ["Schlüssel", '"Schlüssel"'],
    ["two  spaces", '"two \\u0020spaces"'],
    [" ", '" "'],
    ["", '""'],
    ["\u00a0\u3000\u2800", '"\\u00a0\\u3000\\u2800"'],
    ["x".repeat(65), `"${"x".repeat(64)}…"`],
  ])("%j as a name is shown as %s", (name, shown) => expect(nameColumn(name)).toBe(shown));

  test("a label forges no row of accounts", async () => {
    const { code, stdout, stderr } = await cli.run(["accounts"]);
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    const addresses = lines.map((line) => line.slice(0, 42)).sort();
    expect(addresses).toEqual(["a forged row", "escapes", "spaces"].map((key) => computeAddress(id(key))).sort());
    expect(stdout).not.toMatch(STEERING);
    // On a terminal of 80 columns no line wraps in front of the other address.
    for (const line of lines) expect(line.match(/.{1,80}/g)?.some((row) => row.startsWith(OTHER))).toBe(false);
  });

  test("with --json a label is what it is, in one line of plain text", async () => {
    const { stdout } = await cli.run(["accounts", "--json"]);
    const names = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).name);
    expect(names).toContain(ESCAPES);
    expect(stdout).not.toMatch(STEERING);
  });

  test.each([[], ["--json"]])("a node's error steers no terminal %j", async (...json) => {
    const node = await LoopbackServer.start(async ({ body }) => {
      const call = [JSON.parse(body)].flat()[0];
      const answer =
        call.method === "eth_chainId" ? { result: "0x7a69" } : { error: { code: 3, message: `no ${ESCAPES}` } };
      return { status: 200, body: JSON.stringify({ jsonrpc: "2.0", id: call.id, ...answer }) };
    });
    const run = await cli.run(["send", "--to", OTHER, "--rpc", node.url, ...json]);
    await node.close();
    expect(run).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining("\\u001b]0;title") });
    expect(run.stderr).not.toMatch(STEERING);
  });

  test("nor does a label in what the doctor finds, or in an error", async () => {
    const doctor = await cli.run(["doctor"]);
    expect([doctor.code, doctor.stderr]).toEqual([0, ""]);
    expect(doctor.stdout).not.toMatch(STEERING);
    const absent = await cli.run([
      "address",
      "--key",
      `pkcs11:token=${token.label};object=%1B%5B2J?module-path=${token.libraryPath}&pin-source=env:P`,
    ]);
    expect(absent.code).toBe(4);
    expect(absent.stderr).not.toMatch(STEERING);
  });
});
