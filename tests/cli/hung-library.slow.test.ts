import { afterAll, expect, test } from "@jest/globals";
import { id } from "ethers";
import { Shim, type ShimFault, type ShimFunction } from "../support/pkcs11-shim/shim.ts";
import { createToken } from "../support/softhsm-env.ts";
import { CommandProcess } from "./support/command-process.ts";

const token = createToken("cli-hung");
token.importKey(id("a key behind a library that hangs"), { label: "hot" });
const shim = new Shim(token.libraryPath);
afterAll(() => shim.remove());

const cli = new CommandProcess();
const uri = `pkcs11:token=${token.label};object=hot?module-path=${shim.libraryPath}&pin-source=env:P`;
const HOURS: ShimFault = { hangMs: 3_600_000 };

// The library's functions are called by a thread of the process that no code ends, or by its only one.
test.each<[ShimFunction, string, ShimFault]>([
  ["C_Sign", "hangs", HOURS],
  ["C_Login", "hangs", HOURS],
  ["C_Initialize", "hangs", HOURS],
  ["C_Sign", "crashes", { crash: true }],
])("the command ends with its error when %s %s", async (name, _, fault) => {
  shim.set(name, fault);
  const run = await cli.run(["sign-message", "hello", "--key", uri, "--timeout", "1"], { env: { P: token.pin } });
  shim.clear();
  expect([run.code, run.stdout]).toEqual([5, ""]);
  expect(run.stderr).toMatch(/\[BACKEND_(?:TIMEOUT|UNAVAILABLE)\]/);
});

test("the stores and doctor, too", async () => {
  shim.set("C_Login", HOURS);
  const place = `pkcs11:token=${token.label}?module-path=${shim.libraryPath}&pin-source=env:P`;
  const listed = await cli.run(["accounts", "--key", place, "--timeout", "1"], { env: { P: token.pin } });
  const examined = await cli.run(["doctor", "--key", uri, "--timeout", "1"], { env: { P: token.pin } });
  shim.clear();
  expect([listed.code, examined.code]).toEqual([5, 1]);
});

test.each<ShimFunction>(["C_Initialize", "C_GetTokenInfo"])("doctor ends when %s hangs", async (name) => {
  shim.set(name, HOURS);
  const examined = await cli.run(["doctor", "--key", uri, "--timeout", "1"], { env: { P: token.pin } });
  shim.clear();
  expect([examined.code, examined.stdout]).toEqual([1, expect.stringMatching(/^FAILED +(library|slots and tokens) /m)]);
});
