import { afterAll, afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { id, recoverAddress, Wallet } from "ethers";
import { Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { BareModule } from "../support/pkcs11-shim/bare-module.ts";
import { Shim } from "../support/pkcs11-shim/shim.ts";
import { SoftHsmToken } from "../support/softhsm.ts";
import { softHsmPath } from "../support/softhsm-env.ts";

const WAYS = [
  ["in this process", {}],
  ["isolated", { isolation: "process" as const }],
] as const;

const shim = new Shim(softHsmPath());
const bare = new BareModule(shim.libraryPath);
const opened: { close(): Promise<void> }[] = [];
let token: SoftHsmToken;
let count = 0;

beforeEach(() => {
  count += 1;
  token = SoftHsmToken.create(shim.libraryPath, `reused-sessions-${process.pid}-${count}`);
});

afterEach(async () => {
  shim.clear();
  await Promise.all(opened.splice(0).map((each) => each.close()));
  shim.adopt();
});

afterAll(() => shim.remove());

function openSigner(options: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const { libraryPath, label: tokenLabel, pin } = token;
  const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel: "hot", sessions: 4, ...options });
  opened.push(signer);
  return signer;
}

/** Who signed each of so many digests, all asked for at once. `signed` is called after each. */
async function signAll(signer: Pkcs11Signer, count: number, signed = () => {}): Promise<Set<string>> {
  const signers = Array.from({ length: count }, async (_, index) => {
    const digest = id(`digest ${index}`);
    const signature = await signer.signDigest(digest);
    signed();
    return recoverAddress(digest, signature);
  });
  return new Set(await Promise.all(signers));
}

describe.each(WAYS)("session handles are given out again (%s)", (_way, options) => {
  test("all sessions closed by other code, repeatedly and under load: every call succeeds, in its own session", async () => {
    const labels = ["hot", "cold"];
    for (const [index, label] of labels.entries()) token.importKey(id(label), { label, id: Uint8Array.of(index) });
    shim.adopt("reusedSessions");
    shim.set("C_Sign", { delayMs: 1 });
    const signers = labels.map((keyLabel) => openSigner({ keyLabel, ...options }));
    await Promise.all(signers.map((signer) => signer.getAddress()));
    const before = shim.stats();
    let signed = 0;
    const disturb = () => {
      signed += 1;
      if (signed % 40 !== 0) return;
      if ("isolation" in options) shim.otherUser("closeAllSessions");
      else bare.cryptoki.C_CloseAllSessions(bare.slot(token.label));
    };
    const outcome = await Promise.all(signers.map((signer) => signAll(signer, 120, disturb)));
    expect(outcome).toEqual(labels.map((label) => new Set([new Wallet(id(label)).address])));
    const { overlaps, interleavings, closedInUse } = shim.stats();
    expect([overlaps, interleavings, closedInUse]).toEqual([before.overlaps, before.interleavings, before.closedInUse]);
  });
});
