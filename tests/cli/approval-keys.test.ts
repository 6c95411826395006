import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pkcs11js from "pkcs11js";
import { serializeApprovalRequest } from "../../src/approvals/index.ts";
import { ACCOUNT, requestFor, rsaKey } from "../approvals/requests.ts";
import type { SoftHsmToken } from "../support/softhsm.ts";
import { createToken } from "../support/softhsm-env.ts";
import { until } from "../support/until.ts";
import { CommandLine } from "./support/command.ts";

const cli = new CommandLine();
const request = requestFor("a transaction of type 2", {
  createdAt: new Date(Date.now() - 1_000),
  expiresAt: new Date(Date.now() + 600_000),
});
const typed = `${request.digest.slice(2, 6)} ${request.digest.slice(-4)}`;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ethers-hsm-approval-keys-"));
  await writeFile(join(folder, "request.json"), serializeApprovalRequest(request));
});
afterAll(() => rm(folder, { recursive: true }));

function sign(key: string, ...others: string[]): string[] {
  const expected = ["--account", ACCOUNT, "--chain-id", "1"];
  return ["approval", "sign", join(folder, "request.json"), ...expected, "--user", "bob", "--key", key, ...others];
}

function signedBy(publicKey: KeyObject, { signature }: Record<string, unknown>): boolean {
  const data = Buffer.from(request.token.approval_data, "base64");
  return verify("sha256", data, publicKey, Buffer.from(`${signature}`, "base64"));
}

const DIGEST = ["--digest", request.digest];

describe("an RSA key on a token", () => {
  let token: SoftHsmToken;
  const keys: Record<string, KeyObject> = {};
  const uri = (object: string, query = "&pin-source=env:P") =>
    `pkcs11:token=${token.label};object=${object}?module-path=${token.libraryPath}${query}`;

  beforeAll(() => {
    token = createToken("approver");
    keys["bob"] = generate("bob", { bits: 2048 });
    generate("small", { bits: 1024 });
    generate("double", { bits: 1024 });
    generate("double", { bits: 1024 });
    keys["careful"] = generate("careful", { bits: 2048, alwaysAuthenticate: true });
  });

  /** In the token; the private half is never seen. */
  function generate(
    label: string,
    { bits, alwaysAuthenticate = false }: { bits: number; alwaysAuthenticate?: boolean },
  ) {
    let publicKey: KeyObject | undefined;
    token.withSession((library, session) => {
      const [own, hidden] = [true, false].map((isPublic) => [
        { type: pkcs11js.CKA_TOKEN, value: true },
        { type: pkcs11js.CKA_PRIVATE, value: !isPublic },
        { type: pkcs11js.CKA_LABEL, value: label },
      ]);
      const pair = library.C_GenerateKeyPair(
        session,
        { mechanism: pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN },
        [
          ...(own ?? []),
          { type: pkcs11js.CKA_MODULUS_BITS, value: bits },
          { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
        ],
        [
          ...(hidden ?? []),
          { type: pkcs11js.CKA_SIGN, value: true },
          { type: pkcs11js.CKA_ALWAYS_AUTHENTICATE, value: alwaysAuthenticate },
        ],
      );
      const [n = "", e = ""] = library
        .C_GetAttributeValue(session, pair.publicKey, [
          { type: pkcs11js.CKA_MODULUS },
          { type: pkcs11js.CKA_PUBLIC_EXPONENT },
        ])
        .map(({ value }) => (value as Buffer).toString("base64url"));
      publicKey = createPublicKey({ format: "jwk", key: { kty: "RSA", n, e } });
    });
    return publicKey as unknown as KeyObject;
  }

  test.each(["bob", "careful"])("signs: %s", async (object) => {
    const env = { P: token.pin };
    const { stdout, stderr } = await cli.run(sign(uri(object), ...DIGEST, "--json"), { env });
    expect(stderr).toBe("");
    expect(signedBy(keys[object] as KeyObject, JSON.parse(stdout))).toBe(true);
  });

  test("after the approver compared the digest, and typed the PIN", async () => {
    const answers = [
      { prompt: "type its first and last 4", typed },
      { prompt: "PIN of the token", typed: token.pin },
    ];
    const { code, stdout } = await cli.atTerminal(sign(uri("bob", ""), "--json"), answers);
    expect(code).toBe(0);
    expect(stdout).toContain("signs         a transaction of type 2");
    expect(stdout).not.toContain(token.pin);
    const [json = ""] = /\{[^{}]*\}\s*$/.exec(stdout) ?? [];
    expect(signedBy(keys["bob"] as KeyObject, JSON.parse(json))).toBe(true);
  });

  test("signs nothing for other characters than the digest's: the PIN is not asked for", async () => {
    const run = await cli.atTerminal(sign(uri("bob", "")), [
      { prompt: "type its first and last 4", typed: "0000 0000" },
    ]);
    expect(run).toMatchObject({ code: 9, stdout: expect.stringContaining("nothing was signed [DECLINED]") });
    expect(run.stdout).not.toContain("PIN of the token");
  });

  test.each<[string, () => string, string, number, RegExp]>([
    ["no such key", () => uri("carol"), "right", 4, /no private RSA key labelled "carol".*\[KEY_NOT_FOUND\]/],
    ["two of that name", () => uri("double"), "right", 7, /several private RSA keys.*\[KEY_UNUSABLE\]/],
    ["a key of 1,024 bits", () => uri("small"), "right", 2, /must be an RSA-2048 key/],
    ["a wrong PIN", () => uri("bob"), "planted-pin", 3, /PIN.*\[ACCESS_DENIED\]/],
    ["no PIN", () => uri("bob", "&pin-source=env:NONE"), "right", 3, /NONE that pin-source names is not set/],
    ["no library", () => `pkcs11:token=${token.label};object=bob`, "right", 2, /needs the library, by module-path/],
    ["a URI that names no key", () => uri("bob").replace(";object=bob", ""), "right", 2, /keyLabel or keyId/],
    ["a URI that cannot be right", () => "pkcs11:nonsense", "right", 2, /position/],
  ])("%s: an error, and no approval", async (_name, named, pin, code, message) => {
    const env = { P: pin === "right" ? token.pin : pin };
    const run = await cli.run(sign(named(), ...DIGEST), { env });
    expect(run).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(message) });
    expect(run.stderr).not.toContain("planted");
  });
});

describe("an RSA key of an ssh-agent", () => {
  const key = rsaKey();
  let agent: ChildProcess;
  let env: Record<string, string>;
  const add = (...args: string[]) => execFileSync("ssh-add", args, { env: { ...process.env, ...env }, stdio: "pipe" });

  async function addKey(name: string, { privateKey }: { readonly privateKey: KeyObject }): Promise<void> {
    const file = join(folder, name);
    await writeFile(file, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
    add("-q", file);
  }

  const fingerprints = () => [...`${add("-l")}`.matchAll(/SHA256:\S+/g)].map(String);

  beforeAll(async () => {
    const socket = join(folder, "agent.sock");
    agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    env = { SSH_AUTH_SOCK: socket };
    await until(() => existsSync(socket));
  });
  afterAll(() => {
    agent.kill();
  });

  test("an agent without one", async () => {
    const run = await cli.run(sign("ssh-agent:", ...DIGEST), { env });
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining("its RSA keys are none") });
  });

  test("signs: the only one, or by its fingerprint", async () => {
    await addKey("bob.pem", key);
    const only = await cli.run(sign("ssh-agent:", ...DIGEST, "--json"), { env });
    expect(only.stderr).toBe("");
    expect(signedBy(key.publicKey, JSON.parse(only.stdout))).toBe(true);
    const [own = ""] = fingerprints();
    await addKey("other.pem", rsaKey());
    const answers = [{ prompt: "type its first and last 4", typed }];
    const named = await cli.atTerminal(sign(`ssh-agent:${own}`, "--json"), answers, { env });
    const [json = ""] = /\{[^{}]*\}\s*$/.exec(named.stdout) ?? [];
    expect(signedBy(key.publicKey, JSON.parse(json))).toBe(true);
  });

  test("two keys without a name, another name, a key of another size, no agent", async () => {
    const several = await cli.run(sign("ssh-agent:", ...DIGEST), { env });
    expect(several).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("several RSA keys") });
    for (const each of fingerprints()) expect(several.stderr).toContain(each);
    const unknown = await cli.run(sign("ssh-agent:SHA256:none", ...DIGEST), { env });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("no such RSA key") });
    const known = fingerprints();
    await addKey("large.pem", generateKeyPairSync("rsa", { modulusLength: 3072 }));
    const large = fingerprints().find((each) => !known.includes(each));
    const refused = await cli.run(sign(`ssh-agent:${large}`, ...DIGEST), { env });
    expect(refused).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("RSA-2048") });
    const none = await cli.run(sign("ssh-agent:", ...DIGEST));
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("SSH_AUTH_SOCK is not set") });
    const deaf = { SSH_AUTH_SOCK: join(folder, "nothing.sock") };
    const silent = await cli.run(sign("ssh-agent:", ...DIGEST), { env: deaf });
    expect(silent).toMatchObject({ code: 2, stderr: expect.stringContaining("does not answer") });
  });
});
