import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, id } from "ethers";
import { Shim } from "../support/pkcs11-shim/shim.ts";
import type { SoftHsmToken } from "../support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../support/softhsm-configuration.ts";
import { createToken } from "../support/softhsm-env.ts";
import { CommandLine } from "./support/command.ts";
import { CommandProcess } from "./support/command-process.ts";
import { examined } from "./support/steps.ts";

// PKCS#11 v2.40, header pkcs11t.h.
const CKR_DEVICE_ERROR = 0x30;

const PRIVATE_KEY = id("the account that the doctor sees");

let token: SoftHsmToken;
let cli: CommandLine;
/** With an environment of its own, which SoftHSM2 reads, or warnings of its own. */
let command: CommandProcess;
let folder: string;
let uri: (object: string, module?: string, label?: string) => string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ethers-hsm-cli-"));
  token = createToken("doctor");
  token.importKey(PRIVATE_KEY, { label: "good" });
  token.importKey(id("extractable"), { label: "loose", id: "0x02", extractable: true });
  token.generateKey({ label: "other-curve", id: "0x03", curve: "0x06082a8648ce3d030107" });
  token.importKey(id("no signatures"), { label: "no-sign", id: "0x04", sign: false });
  cli = new CommandLine({ P: token.pin });
  command = new CommandProcess({ P: token.pin });
  uri = (object, module = token.libraryPath, label = token.label) => [
    ...["--key", `pkcs11:token=${label};object=${object}?module-path=${module}&pin-source=env:P`],
  ];
});

afterAll(() => rm(folder, { recursive: true }));

describe("doctor over PKCS#11", () => {
  test("walks the whole way", async () => {
    const { code, steps, step, troubles } = await examined(cli, uri("good"));
    expect([code, troubles]).toEqual([0, []]);
    expect(steps.map((each) => each.step)).toEqual([
      ...["pkcs11js", "library", "slots and tokens", "token", "login", "key", "sessions", "address", "signature"],
    ]);
    expect(step("library").facts).toMatchObject({ path: token.libraryPath, manufacturer: "SoftHSM", version: "2.6" });
    expect(step("token").facts).toMatchObject({
      label: token.label,
      slot: expect.stringMatching(/^\d+$/),
      model: "SoftHSM v2",
    });
    expect(step("slots and tokens").facts?.["tokens"]).toContainEqual(expect.objectContaining({ label: token.label }));
    expect(step("login").detail).toBe("the PIN is right");
    expect(step("key").facts).toEqual({ curve: "secp256k1", sign: true, sensitive: true, extractable: false });
    expect(step("sessions").facts).toMatchObject({ busy: 0, waiting: 0 });
    expect(step("address").detail).toBe(computeAddress(PRIVATE_KEY));
    expect(JSON.stringify(steps)).not.toContain(token.pin);
  });

  test.each<[name: string, object: string, detail: RegExp]>([
    ["a key that is not there", "none", /none/],
    ["a key on another curve", "other-curve", /secp256k1|curve/],
    ["a key that may not sign", "no-sign", /CKA_SIGN/],
  ])("%s", async (_name, object, detail) => {
    const { code, troubles, step } = await examined(cli, uri(object));
    expect([code, troubles]).toEqual([1, ["key: failed", "address: not-tried", "signature: not-tried"]]);
    expect(step("key").detail).toMatch(detail);
    expect(step("login").status).toBe("ok");
  });

  test("a key that can leave the token is a warning", async () => {
    const { code, ok, step } = await examined(command, uri("loose"));
    expect([code, ok]).toEqual([0, true]);
    expect(step("key")).toMatchObject({ status: "warning", detail: expect.stringContaining("extractable true") });
  });

  test("a wrong PIN fails at the login alone", async () => {
    const wrong = await examined(cli, uri("good"), { env: { P: "planted-pin" } });
    expect(wrong.troubles).toEqual([
      ...["token: warning", "login: failed", "key: not-tried", "address: not-tried", "signature: not-tried"],
    ]);
    expect(wrong.step("login").code).toBe("ACCESS_DENIED");
    expect(JSON.stringify(wrong.steps)).not.toContain("planted");
    // The right one takes the token's count of wrong ones back.
    expect((await examined(cli, uri("good"))).ok).toBe(true);
    const missing = await examined(cli, uri("good"), { env: { P: "" } });
    expect(missing.step("login").detail).toContain("P that pin-source names is not set");
  });

  test("without a PIN there is no login, and the token shows no key", async () => {
    const [, key = ""] = uri("good");
    const { troubles, step } = await examined(cli, ["--key", key.replace("&pin-source=env:P", "")]);
    expect(step("login")).toMatchObject({ status: "ok", detail: "not logged in: no PIN was given" });
    expect(troubles).toEqual(["key: failed", "address: not-tried", "signature: not-tried"]);
    expect(step("key").detail).toContain("private keys are visible after a login");
  });

  test("a token that cannot be read", async () => {
    const shim = new Shim(token.libraryPath);
    shim.set("C_GetTokenInfo", { returnValue: CKR_DEVICE_ERROR });
    const { step } = await examined(cli, uri("good", shim.libraryPath));
    shim.remove();
    expect(step("slots and tokens")).toMatchObject({ status: "failed", code: "BACKEND_UNAVAILABLE" });
    expect(step("token").detail).toBe("it needs slots and tokens");
  });

  test("a token whose policy forbids the mechanism", async () => {
    const configuration = readFileSync(process.env["SOFTHSM2_CONF"] ?? "", "utf8");
    const SOFTHSM2_CONF = join(folder, "forbidding.conf");
    await writeFile(SOFTHSM2_CONF, `${configuration}slots.mechanisms = CKM_EC_KEY_PAIR_GEN\n`);
    const { troubles, step } = await examined(command, uri("good"), { env: { SOFTHSM2_CONF } });
    expect(troubles).toEqual(["key: failed", "address: not-tried", "signature: not-tried"]);
    expect(step("key").detail).toMatch(/^the token does not offer CKM_ECDSA: .*permit the mechanism$/);
  });

  test("a library without any token, and AWS's that is not installed", async () => {
    const env = { SOFTHSM2_CONF: writeSoftHsmConfiguration(folder) };
    const empty = await examined(command, uri("good"), { env });
    expect(empty.step("slots and tokens")).toMatchObject({
      ...{ status: "failed", detail: expect.stringContaining("shows no initialised token: connect the HSM") },
    });
    const aws = await examined(cli, ["--key", "cloudhsm:object=k?pin-source=env:P"]);
    expect(aws.step("library")).toMatchObject({
      ...{ status: "failed", code: "DEPENDENCY_MISSING", detail: expect.stringContaining("/opt/cloudhsm/lib/") },
    });
  });

  test("no library, and a token that is not there", async () => {
    const library = await examined(cli, uri("good", "/nonexistent/libsofthsm2.so"));
    expect(library.step("library")).toMatchObject({
      status: "failed",
      code: "DEPENDENCY_MISSING",
      detail: expect.stringContaining("install softhsm2"),
    });
    expect(library.step("token").detail).toBe("it needs slots and tokens");
    const absent = await examined(cli, uri("good", token.libraryPath, "absent"));
    expect(absent.step("slots and tokens").status).toBe("ok");
    expect(absent.step("token")).toMatchObject({ status: "failed", code: "KEY_NOT_FOUND" });
    expect(absent.step("login").status).toBe("not-tried");
  });
});
