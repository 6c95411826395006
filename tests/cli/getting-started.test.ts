import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { getAddress, parseEther } from "ethers";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { COMMAND } from "../support/programs.ts";
import { writeSoftHsmConfiguration } from "../support/softhsm-configuration.ts";
import { softHsmPath } from "../support/softhsm-env.ts";

const LIBRARY = "/usr/lib/softhsm/libsofthsm2.so";
const RECIPIENT = "0x000000000000000000000000000000000000dEaD";

interface Block {
  /** The nearest heading above it. */
  readonly heading: string;
  readonly commands: readonly string[];
}

function shellBlocks(page: string): Block[] {
  const markdown = readFileSync(page, "utf8");
  return [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(({ 1: body = "", index }) => ({
    heading: [...markdown.slice(0, index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? "",
    commands: body.replaceAll("\\\n", " ").trimEnd().split("\n"),
  }));
}

const blocks = shellBlocks("docs/getting-started.md");
const under = (heading: string) =>
  blocks.filter((block) => block.heading === heading).flatMap((block) => block.commands);

let folder: string;
let anvil: Anvil;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ethers-hsm-started-"));
  anvil = await startAnvil();
  const bin = join(folder, "bin");
  mkdirSync(bin);
  // What the page's first lines install: npx finds the command, as it would in the application's folder.
  writeFileSync(join(bin, "npx"), `#!/bin/sh\nshift\nexec '${process.execPath}' '${COMMAND}' "$@"\n`);
  chmodSync(join(bin, "npx"), 0o755);
});

afterAll(async () => {
  await Promise.all([anvil.stop(), rm(folder, { recursive: true })]);
});

/** Runs the lines in one shell, after those that were given before. */
async function shell(lines: readonly string[]): Promise<string> {
  const env = {
    // softhsm2-util lies beside the library's folder, also where the set-up has unpacked it without root.
    PATH: [join(folder, "bin"), process.env["PATH"], softHsmPath().replace(/\/lib\/.*$/, "/bin")].join(delimiter),
    HOME: folder,
    SOFTHSM2_CONF: join(folder, "softhsm2.conf"),
  };
  const child = spawn("bash", ["-e", "-c", `exec 2>&1\n${lines.join("\n")}`], { cwd: folder, env, stdio: "pipe" });
  const [output, code] = await Promise.all([
    text(child.stdout),
    new Promise((resolve) => child.once("close", resolve)),
  ]);
  expect({ output, code }).toEqual({ output, code: 0 });
  return output;
}

describe("docs/getting-started.md", () => {
  test("its commands lead from no key to a mined transaction, on a token", async () => {
    expect(writeSoftHsmConfiguration(folder)).toBe(join(folder, "softhsm2.conf"));
    const setUp = under("A PKCS#11 token, or none at all")
      .filter((line) => !/^(sudo apt-get|npm) install /.test(line))
      .map((line) =>
        line.replace(LIBRARY, softHsmPath()).replace("softhsm2-util", `softhsm2-util --module ${softHsmPath()}`),
      );
    const environment = [`export ETHERS_HSM_RPC=${anvil.url}`, ...setUp.filter((line) => line.startsWith("export "))];
    await shell(setUp);

    const [address = ""] = /0x[\da-fA-F]{40}/.exec(await shell([...environment, ...under("2. Make the key")])) ?? [];
    expect(getAddress(address)).toBe(address);
    await anvil.fund(address, parseEther("1"));

    expect(await shell([...environment, ...under("3. See that all of it works")])).toContain(address);

    expect(await shell([...environment, ...under("4. Send")])).toMatch(/success in block \d+/);
    expect(await anvil.provider().getBalance(RECIPIENT)).toBe(parseEther("0.001"));
  });
});

describe("commands of the guides", () => {
  const pages = ["README.md", ...readdirSync("docs").map((name) => `docs/${name}`)].filter((page) =>
    page.endsWith(".md"),
  );

  test("that cannot run here say what they need", () => {
    const silent = pages.flatMap((page) =>
      shellBlocks(page)
        .filter(({ commands }) => commands.some((line) => /^(aws|az|key) /.test(line)))
        .filter(({ commands: [first = ""] }) => !/^# needs (AWS|Azure|the CloudHSM CLI)/.test(first))
        .map(({ commands }) => `${page}: ${commands[0]}`),
    );
    expect(silent).toEqual([]);
  });
});
