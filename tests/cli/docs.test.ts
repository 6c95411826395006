import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parseEther } from "ethers";
import { commands } from "../../src/cli/commands.ts";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { parseKeyUri } from "../../src/uri/index.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { COMMAND } from "../support/programs.ts";
import type { SoftHsmToken } from "../support/softhsm.ts";
import { createToken } from "../support/softhsm-env.ts";

const PAGE = readFileSync("docs/cli.md", "utf8");
// The first account of Foundry's and Hardhat's development nodes.
const PRIVATE_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

interface Entry {
  readonly command: string;
  readonly output: string;
}

const blocks = [...PAGE.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = "", body = ""]) => ({
  language,
  body,
}));

/** What a `console` block shows: commands after $, and the output of each. */
const session: Entry[] = blocks
  .filter(({ language }) => language === "console")
  .flatMap(({ body }) => body.split(/^\$ /m).slice(1))
  .map((entry) => ({ command: entry.slice(0, entry.indexOf("\n")), output: entry.slice(entry.indexOf("\n") + 1) }));

let token: SoftHsmToken;
let anvil: Anvil;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ethers-hsm-cli-docs-"));
  for (const { command, output } of session) {
    const [, file] = /^cat (\S+)$/.exec(command) ?? [];
    if (file !== undefined) await writeFile(join(folder, file), output);
  }
  token = createToken("docs");
  token.importKey(PRIVATE_KEY, { label: "hot-wallet" });
  anvil = await startAnvil();
  await anvil.fund(ADDRESS, parseEther("10"));
});

afterAll(async () => {
  await Promise.all([anvil.stop(), rm(folder, { recursive: true })]);
});

describe("docs/cli.md", () => {
  test("its session runs as it stands there", async () => {
    expect(session.length).toBeGreaterThan(12);
    const mark = "=== the next command";
    const lines = session.flatMap(({ command }) => [command, `echo '${mark}'`]);
    const script = [`ethers-hsm() { '${process.execPath}' '${COMMAND}' "$@"; }`, ...lines].join("\n");
    const env = {
      ...{ PATH: process.env["PATH"], HOME: "/nonexistent", SOFTHSM2_CONF: process.env["SOFTHSM2_CONF"] },
      ETHERS_HSM_KEY: `pkcs11:token=${token.label};object=hot-wallet?module-path=${token.libraryPath}&pin-source=env:P`,
      ...{ ETHERS_HSM_RPC: anvil.url, P: token.pin },
    };
    const child = spawn("bash", ["-c", `exec 2>&1\n${script}`], {
      cwd: folder,
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const outputs = (await text(child.stdout)).split(`${mark}\n`);
    for (const [index, { command, output }] of session.entries()) {
      const parts = output
        .trimEnd()
        .split("…")
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
      const expected = new RegExp(`^${parts.join(".*")}$`);
      expect({ command, output: outputs[index]?.trimEnd() }).toEqual({
        command,
        output: expect.stringMatching(expected),
      });
    }
  });

  test("each command has its section, and each option that is written exists", () => {
    for (const { name } of commands) expect(PAGE).toContain(`\n### ${name}\n`);
    const shell = blocks.filter(({ language }) => language === "sh" || language === "console").map(({ body }) => body);
    const lines = shell
      .join("\n")
      .split("\n")
      .flatMap((line) => /ethers-hsm ([a-z-]+) (.*)$/.exec(line)?.slice(1) ?? []);
    for (let index = 0; index < lines.length; index += 2) {
      const [name, rest = ""] = lines.slice(index, index + 2);
      const command = commands.find((each) => each.name === name);
      for (const [, option = ""] of rest.matchAll(/--([a-z-]+)/g)) {
        expect([name, Object.keys({ ...command?.options, json: 1, help: 1 })]).toEqual([
          name,
          expect.arrayContaining([option]),
        ]);
      }
    }
  });

  test("the URIs that it shows are right", () => {
    const uris = blocks.flatMap(({ language, body }) => (language === "text" ? body.trim().split("\n") : []));
    expect(uris.map((uri) => parseKeyUri(uri).backend)).toEqual([
      "aws-kms",
      "aws-kms",
      "azure-key-vault",
      "gcp-kms",
      "pkcs11",
      "cloudhsm",
    ]);
  });

  test("its exit codes are the command's", () => {
    const table = PAGE.slice(PAGE.indexOf("## Exit codes"));
    const codes = [...table.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    expect(codes).toEqual(Object.values(EXIT).sort((a, b) => a - b));
  });
});
