import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { computeAddress, hexlify, randomBytes } from "ethers";
import { Pkcs11Signer } from "ethers-hsm/pkcs11";
import pkcs11js from "pkcs11js";
import { softHsmLibrary } from "../../scripts/setup/softhsm.mjs";
import { letChildrenReadTypeScript } from "../support/isolated.ts";
import { BareModule } from "../support/pkcs11-shim/bare-module.ts";
import { Shim, type ShimFault, type ShimFunction } from "../support/pkcs11-shim/shim.ts";
import { setRealEnvironment } from "../support/real-environment.ts";
import { SoftHsmToken } from "../support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../support/softhsm-configuration.ts";
import type { Backend, Disturbance } from "./backend.ts";

// Generous: no call may fail in calm, on a machine that has other work as well.
const TIMEOUT = 30_000;
const HASTY = 100;
// Longer than a busy machine holds an innocent call up, shorter than some of the troubles.
const HANG_TIMEOUT = 8_000;
// PKCS#11 v2.40, header pkcs11t.h.
const FUNCTION_FAILED = 0x06;
const DEVICE_ERROR = 0x30;
const SESSION_HANDLE_INVALID = 0xb3;
const NOT_LOGGED_IN = 0x101;

export interface TokenBackends {
  readonly inProcess: Backend;
  readonly isolated: Backend;
  readonly shims: readonly Shim[];
  /** After the signers were closed; else when this process ends. */
  remove(): void;
}

/** SoftHSM2, with the library in this process and in one of its own, over keys of one token. */
export function tokenBackends(): TokenBackends {
  const softHsm = softHsmLibrary();
  if (softHsm === undefined) throw new Error("SoftHSM2 is missing. Run `npm run setup` first.");
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-soak-"));
  const open: Shim[] = [];
  const remove = () => {
    for (const shim of open.splice(0)) shim.remove();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", remove);
  const newShim = () => {
    const shim = new Shim(softHsm);
    open.push(shim);
    return shim;
  };
  setRealEnvironment("SOFTHSM2_CONF", writeSoftHsmConfiguration(folder));
  letChildrenReadTypeScript();
  const shims = { inProcess: newShim(), isolated: newShim() };
  const token = SoftHsmToken.create(shims.inProcess.libraryPath, "soak");

  const backend = (name: string, shim: Shim, others: readonly Disturbance[], isolated: boolean): Backend => {
    const privateKey = hexlify(randomBytes(32));
    token.importKey(privateKey, { label: name, id: hexlify(randomBytes(8)) });
    const { label: tokenLabel, pin } = token;
    const isolation = isolated ? { isolation: "process" as const, hangTimeout: HANG_TIMEOUT } : {};
    const signer = (timeout: number) =>
      new Pkcs11Signer({ libraryPath: shim.libraryPath, tokenLabel, pin, keyLabel: name, timeout, ...isolation });
    return {
      name,
      address: computeAddress(privateKey),
      signer: signer(TIMEOUT),
      hasty: signer(HASTY),
      disturbances: [...troubles(shim), ...others],
      heal: async () => shim.clear(),
    };
  };

  const { inProcess, isolated } = shims;
  return {
    inProcess: backend("pkcs11", inProcess, otherUsers(inProcess.libraryPath, token), false),
    isolated: backend("pkcs11 isolated", isolated, isolatedTroubles(isolated), true),
    shims: [inProcess, isolated],
    remove,
  };
}

function troubles(shim: Shim): Disturbance[] {
  const returning = (returnValue: number): ShimFault => ({ returnValue, count: 3 });
  return [
    lasting(shim, "busy", "C_Sign", { returnValue: FUNCTION_FAILED, permille: 300 }),
    lasting(shim, "slow", "C_Sign", { delayMs: 200 }),
    { name: "the device fails", ms: 300, strike: () => shim.set("C_Sign", returning(DEVICE_ERROR)) },
    { name: "sessions lost", ms: 200, strike: () => shim.set("C_SignInit", returning(SESSION_HANDLE_INVALID)) },
    { name: "logins lost", ms: 200, strike: () => shim.set("C_SignInit", returning(NOT_LOGGED_IN)) },
    {
      ...lasting(shim, "signatures that are none", "C_Sign", { answer: "garbage", permille: 200 }),
      codes: ["SIGNATURE_MISMATCH", "BACKEND_RESPONSE_INVALID"],
    },
  ];
}

function isolatedTroubles(shim: Shim): Disturbance[] {
  return [
    { name: "sessions closed by others", ms: 300, strike: () => shim.otherUser("closeAllSessions") },
    { name: "logout by others", ms: 300, strike: () => shim.otherUser("logout") },
    { name: "crash", ms: 2_000, strike: () => shim.set("C_Sign", { crash: true, skip: 5, count: 1 }) },
    { name: "a call that hangs", ms: 3_000, strike: () => shim.set("C_Sign", { hangMs: 60_000, skip: 5, count: 1 }) },
  ];
}

/** What other code of this very process does to the library. */
function otherUsers(libraryPath: string, { label, pin }: SoftHsmToken): Disturbance[] {
  const bare = new BareModule(libraryPath);
  return [
    { name: "sessions closed by others", ms: 300, strike: () => bare.cryptoki.C_CloseAllSessions(bare.slot(label)) },
    {
      name: "logout by others",
      ms: 300,
      strike: () => {
        const session = bare.open(label, pin);
        bare.cryptoki.C_Logout(session.handle);
        session.close();
      },
    },
    { name: "C_Finalize by others", ms: 500, strike: () => bare.cryptoki.C_Finalize() },
  ].map(({ name, ms, strike }) => ({ name, ms, strike: () => forgiving(strike) }));
}

/** Between C_Finalize and the next start the other user's own calls fail, too. @returns whether it was done. */
function forgiving(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof pkcs11js.Pkcs11Error)) throw error;
    return false;
  }
}

function lasting(shim: Shim, name: string, at: ShimFunction, fault: ShimFault): Disturbance {
  return { name, ms: 10_000, strike: () => shim.set(at, fault) };
}
