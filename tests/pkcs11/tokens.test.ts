import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import { Pkcs11KeyStore, Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { letChildrenReadTypeScript } from "../support/isolated.ts";
import { Shim } from "../support/pkcs11-shim/shim.ts";
import { SoftHsmToken } from "../support/softhsm.ts";
import { createToken, softHsmPath } from "../support/softhsm-env.ts";

const shim = new Shim(softHsmPath());
const tokens = ["one", "other"].map((name) =>
  SoftHsmToken.create(shim.libraryPath, `tokens-${process.pid}-${name}`, `pin-of-${name}`),
);
const [one, other] = tokens as [SoftHsmToken, SoftHsmToken];
const opened: { close(): Promise<void> }[] = [];

letChildrenReadTypeScript();
for (const token of tokens) token.importKey(id(token.pin), { label: "hot" });

afterEach(async () => {
  jest.restoreAllMocks();
  shim.clear();
  shim.swapSlots();
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

afterAll(() => shim.remove());

function open(token: SoftHsmToken, change: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const { libraryPath, label: tokenLabel, pin } = token;
  const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel: "hot", sessions: 1, ...change });
  opened.push(signer);
  return signer;
}

function openStore(options: ConstructorParameters<typeof Pkcs11KeyStore>[0]): Pkcs11KeyStore {
  const store = new Pkcs11KeyStore(options);
  opened.push(store);
  return store;
}

const logins = () => shim.stats().functions.C_Login.calls;
const addressOf = ({ pin }: SoftHsmToken) => new Wallet(id(pin)).address;

describe("tokens that change places", () => {
  test("after their sessions were lost: each is found in its new slot, and no PIN reaches the other token", async () => {
    const signers = tokens.map((token) => open(token));
    await Promise.all(signers.map((signer) => signer.signMessage("before")));
    const before = logins();
    shim.swapSlots(one.slot, other.slot);
    for (const token of tokens) token.closeAllSessions();
    const signatures = await Promise.all(signers.map((signer) => signer.signMessage("after")));
    expect(signatures.map((signature) => verifyMessage("after", signature))).toEqual(tokens.map(addressOf));
    expect(logins()).toBe(before + 2);
  });

  test("while the library is started again and calls wait: likewise", async () => {
    const signers = tokens.map((token) => open(token));
    await Promise.all(signers.map((signer) => signer.signMessage("before")));
    const before = logins();
    shim.set("C_Sign", { delayMs: 20 });
    const signing = signers.flatMap((signer) => Array.from({ length: 5 }, () => signer.signMessage("after")));
    shim.swapSlots(one.slot, other.slot);
    one.finalizeLibrary();
    const signed = (await Promise.all(signing)).map((signature) => verifyMessage("after", signature));
    expect(signed).toEqual(tokens.flatMap((token) => Array.from({ length: 5 }, () => addressOf(token))));
    expect(logins()).toBe(before + 2);
  });
});

describe("a token that is made after the library was started", () => {
  let folder: string;
  let libraryPath: string;

  // A copy is a library of its own, which has not seen the tokens that another makes.
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ethers-hsm-tokens-"));
    libraryPath = join(folder, "libsofthsm2.so");
    copyFileSync(softHsmPath(), libraryPath);
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function later(): SoftHsmToken {
    const made = createToken("tokens-later");
    made.importKey(id("later"), { label: "hot" });
    const start = performance.now();
    jest.spyOn(performance, "now").mockReturnValue(start + 60_000);
    return made;
  }

  test("isolated: it is found, since nothing else uses the library, which is started again", async () => {
    const store = openStore({ libraryPath, tokenLabel: "none", isolation: "process" });
    await expect(store.health()).resolves.toMatchObject({ error: { code: "KEY_NOT_FOUND" } });
    const { label: tokenLabel, pin } = later();
    const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel: "hot", isolation: "process" });
    opened.push(signer);
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(new Wallet(id("later")).address);
  });

  test.each([{}, { isolation: "process" as const }])(
    "while another token is in use (%j): the error says that a restart is needed",
    async (way) => {
      const { label: tokenLabel, pin } = createToken("tokens-used");
      const used = openStore({ libraryPath, tokenLabel, pin, ...way });
      await expect(used.health()).resolves.toMatchObject({ reachable: true });
      const missing = openStore({ libraryPath, tokenLabel: "tokens-none", ...way });
      await expect(missing.health()).resolves.toMatchObject({
        error: { code: "KEY_NOT_FOUND", message: expect.not.stringContaining("restart the application") },
      });
      const made = later();
      await expect(openStore({ libraryPath, tokenLabel: made.label, ...way }).health()).resolves.toMatchObject({
        error: { code: "KEY_NOT_FOUND", message: expect.stringContaining("restart the application") },
      });
      await expect(used.health()).resolves.toMatchObject({ reachable: true });
    },
  );
});
