import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, id, verifyMessage } from "ethers";
import type { SoftHsmToken } from "../support/softhsm.ts";
import { createToken } from "../support/softhsm-env.ts";
import { CommandLine } from "./support/command.ts";
import { CommandProcess } from "./support/command-process.ts";
import { examined } from "./support/steps.ts";

const PRIVATE_KEY = id("the account of the command line's token");
const ADDRESS = computeAddress(PRIVATE_KEY);

let token: SoftHsmToken;
const cli = new CommandLine();
/** In a real terminal, which shows what is typed unless it is told not to. */
const inTerminal = new CommandProcess();
let folder: string;
let place: string;
let library: string;

beforeAll(async () => {
  token = createToken("cli");
  token.importKey(PRIVATE_KEY, { label: "hot wallet", id: "0x00ff3b" });
  folder = await mkdtemp(join(tmpdir(), "ethers-hsm-cli-"));
  await writeFile(join(folder, "pin"), `${token.pin}\n`);
  library = `module-path=${token.libraryPath}`;
  place = `pkcs11:token=${token.label}`;
});

afterAll(() => rm(folder, { recursive: true }));

describe("a key on a token, by the command line", () => {
  test("is found by each way of RFC 7512", async () => {
    const pin = `pin-source=file:${folder}/pin`;
    // SoftHSM gives a token's slot another number in another process.
    const { step } = await examined(cli, ["--key", `${place};object=hot%20wallet?${library}&${pin}`]);
    const slot = String(step("token").facts?.["slot"]);
    const name = basename(token.libraryPath).replace(/^lib|\.so$/g, "");
    for (const uri of [
      `${place};object=hot%20wallet?${library}&${pin}`,
      `${place};id=%00%FF%3B;type=private?${library}&pin-source=${folder}/pin`,
      `pkcs11:slot-id=${slot};object=hot%20wallet?${library}&${pin}`,
      `${place};slot-id=${slot};model=SoftHSM%20v2;object=hot%20wallet?${library}&${pin}`,
      `${place};manufacturer=SoftHSM%20project;library-manufacturer=SoftHSM;object=hot%20wallet?${library}&${pin}`,
      `${place};object=hot%20wallet?module-path=${dirname(token.libraryPath)}&module-name=${name}&${pin}`,
    ]) {
      expect(await cli.run(["address", "--key", uri])).toEqual({ code: 0, stdout: `${ADDRESS}\n`, stderr: "" });
    }
  });

  test.each<[name: string, attributes: string, code: number, text: RegExp]>([
    ["another model", ";model=Other;object=hot%20wallet", 4, /no token labelled .* with model "Other"; it shows/],
    ["another library version", ";library-version=99;object=hot%20wallet", 4, /with libraryVersion "99.0"/],
    ["another slot description", ";slot-description=none;object=hot%20wallet", 4, /with slotDescription "none"/],
    ["another label", ";object=cold", 4, /\[KEY_NOT_FOUND\]/],
  ])("%s is not found", async (_name, attributes, code, text) => {
    const uri = `${place}${attributes}?${library}&pin-source=env:P`;
    const run = await cli.run(["address", "--key", uri], { env: { P: token.pin } });
    expect([run.code, run.stdout]).toEqual([code, ""]);
    expect(run.stderr).toMatch(text);
  });

  test("a wrong PIN, a missing one, and a missing library have codes of their own, and show no PIN", async () => {
    const uri = (query: string) => ["address", "--key", `${place};object=hot%20wallet?${query}`];
    const wrong = await cli.run(uri(`${library}&pin-source=env:P`), { env: { P: "planted-pin" } });
    const missing = await cli.run(uri(`${library}&pin-source=env:NOT_SET`));
    const absent = await cli.run(uri("module-path=/nonexistent/libsofthsm2.so&pin-source=env:P"), {
      env: { P: "planted-pin" },
    });
    expect([wrong.code, missing.code, absent.code]).toEqual([3, 3, 8]);
    expect(missing.stderr).toContain("NOT_SET that pin-source names is not set");
    expect(absent.stderr).toMatch(/install softhsm2.*\[DEPENDENCY_MISSING\]/);
    expect(wrong.stderr).not.toContain("planted");
  });

  test("accounts, create and import", async () => {
    const env = { ETHERS_HSM_PIN: token.pin };
    const listed = await cli.run(["accounts", "--key", `${place}?${library}`], { env });
    expect(listed).toMatchObject({ code: 0, stderr: "" });
    expect(listed.stdout).toContain(
      `${ADDRESS}  hot wallet  pkcs11:token=${token.label};object=hot%20wallet;id=%00%FF%3B`,
    );

    const created = await cli.json(["create", "--key", `${place};object=fresh?${library}`], { env });
    const { address } = await cli.json(["address", "--key", String(created["uri"])], { env });
    expect(address).toBe(created["address"]);
    const named = await cli.json(["create", "--key", `${place};object=named;id=%0A%0B?${library}`], { env });
    expect(named["keyId"]).toBe(`pkcs11:token=${token.label};object=named;id=%0A%0B`);
    const again = await cli.run(["create", "--key", `${place};object=fresh?${library}`], { env });
    expect(again).toMatchObject({ code: 2, stdout: "" });

    const moved = id("moves by stdin");
    const args = ["import", "--private-key-file", "-", "--key", `${place};object=moved?${library}`];
    const imported = await cli.json(args, { env, input: `${moved}\n` });
    expect(imported).toMatchObject({ address: computeAddress(moved), name: "moved", backend: "pkcs11" });
    const nothing = await cli.run(["accounts", "--key", `${place}?${library}`, "--prefix", "none-"], { env });
    expect(nothing).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringContaining("no secp256k1 signing key in"),
    });
  });
});

describe("at a terminal", () => {
  test("the PIN is asked for, and not shown", async () => {
    const args = ["sign-message", "hello", "--key", `${place};object=hot%20wallet?${library}`];
    const { code, stdout } = await inTerminal.atTerminal(args, [{ prompt: "PIN of the token", typed: token.pin }]);
    expect(stdout).not.toContain(token.pin);
    expect(verifyMessage("hello", /0x[\da-f]{130}/.exec(stdout)?.[0] ?? "")).toBe(ADDRESS);
    expect(code).toBe(0);
  });

  test("Enter is no PIN, and the token's keys stay hidden", async () => {
    const args = ["address", "--key", `${place};object=hot%20wallet?${library}`];
    const { code, stdout } = await cli.atTerminal(args, [{ prompt: "(Enter for none)", typed: "" }]);
    expect([code, stdout]).toEqual([4, expect.stringContaining("private keys are visible after a login")]);
  });

  test("a URI of AWS CloudHSM asks for its user and password", async () => {
    const uri = `${place};object=hot%20wallet?${library}`.replace("pkcs11:", "cloudhsm:");
    const answer = { prompt: "PIN of the token (user:password)", typed: token.pin };
    const { code, stdout } = await cli.atTerminal(["address", "--key", uri], [answer]);
    expect([code, stdout]).toEqual([0, expect.stringContaining(ADDRESS)]);
  });

  test("so is the private key of an import", async () => {
    const privateKey = id("typed by hand");
    const args = ["import", "--key", `${place};object=typed?${library}&pin-source=env:P`];
    const answer = { prompt: "Private key", typed: privateKey };
    const { code, stdout } = await inTerminal.atTerminal(args, [answer], { env: { P: token.pin } });
    expect(stdout).not.toContain(privateKey.slice(2, 12));
    expect(stdout).toContain(`imported ${computeAddress(privateKey)}`);
    expect(code).toBe(0);
  });

  test("Ctrl-C at a question ends with 9", async () => {
    const args = ["address", "--key", `${place};object=hot%20wallet?${library}`];
    const { code, stdout } = await inTerminal.atTerminal(args, [{ prompt: "PIN of the token", typed: "\u0003" }]);
    expect([code, stdout]).toEqual([9, expect.stringContaining("interrupted")]);
  });

  test("a listing shows how far it is", async () => {
    const args = ["accounts", "--key", `${place}?${library}&pin-source=env:P`];
    const { stdout } = await cli.atTerminal(args, [], { env: { P: token.pin } });
    expect(stdout).toMatch(/\r1 key so far …/);
  });
});
