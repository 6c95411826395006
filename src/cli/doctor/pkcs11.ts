import { CLOUDHSM_LIBRARY } from "../../cloudhsm/options.ts";
import { SignerError } from "../../core/errors.ts";
import type { Pkcs11SignerHealth } from "../../pkcs11/health.ts";
import { loadModule, type Pkcs11Module } from "../../pkcs11/module.ts";
import type { PoolState } from "../../pkcs11/session-pool.ts";
import type { Pkcs11Signer } from "../../pkcs11/signer.ts";
import { findTokens, slotId } from "../../pkcs11/slot.ts";
import type { CheckContext, SigningChecks } from "./check-context.ts";
import { type CheckResult, failedStep } from "./checks.ts";
import { named } from "./packages.ts";

// PKCS#11 v2.40, header pkcs11t.h.
const PIN_FLAGS = [
  [0x10000, "a wrong PIN was given since the last login"],
  [0x20000, "the next wrong PIN locks the token"],
  [0x40000, "the PIN is locked: the security officer must set a new one"],
] as const;

const SLOT_CALLS: ReadonlySet<string | undefined> = new Set(["C_GetSlotList", "C_GetTokenInfo", "C_GetSlotInfo"]);

export async function checkPkcs11(context: CheckContext): Promise<SigningChecks> {
  // As the signer loads it, which has the same process then.
  const modules: Pkcs11Module[] = [];
  try {
    return await check(context, modules);
  } finally {
    for (const module of modules) await module.release();
  }
}

async function check(
  { checks, signer, options, timeout }: CheckContext,
  modules: Pkcs11Module[],
): Promise<SigningChecks> {
  const libraryPath = String(options["libraryPath"] ?? CLOUDHSM_LIBRARY);
  const bindings = await checks.step("pkcs11js", [], async () => {
    await importPkcs11js();
    return { detail: named("pkcs11js"), value: undefined };
  });
  const library = await checks.step("library", [bindings], async () => {
    const module = await loadModule({ libraryPath, isIsolated: true, hangTimeout: timeout, user: undefined });
    modules.push(module);
    const { cryptoki } = module;
    const info = await cryptoki.getInfo();
    const { description, manufacturer, version, cryptokiVersion } = info;
    const detail = `${description} ${version} by ${manufacturer}, PKCS#11 ${cryptokiVersion}, ${libraryPath}`;
    return { detail, facts: { path: libraryPath, ...info }, value: cryptoki };
  });
  const slots = await checks.step("slots and tokens", [library], async (cryptoki) => {
    const { tokens, failure } = await findTokens(cryptoki);
    if (tokens.length === 0 && failure) throw failure;
    const found = tokens.map(({ handle, info: { label, manufacturer, model, serialNumber } }) => ({
      ...{ slot: slotId(handle).toString(), label, manufacturer, model, serialNumber },
    }));
    if (found.length === 0) {
      throw failedStep("the library shows no initialised token: connect the HSM, or check the library's configuration");
    }
    const detail = found.map(({ slot, label }) => `${JSON.stringify(label)} in slot ${slot}`).join(", ");
    return { detail, facts: { tokens: found }, value: undefined };
  });
  const health = await checks.step("token", [slots], async () => {
    const signal = AbortSignal.timeout(timeout);
    return tokenResult(await (signer as Pkcs11Signer).health({ signal }));
  });
  const login = await checks.step("login", [health], async (found) => loginResult(found, options["pin"] !== undefined));
  const key = await checks.step("key", [health, login], async (found) => keyResult(found));
  await checks.step("sessions", [health], async ({ sessions, token }) => {
    // A token that answers is one with sessions.
    const { idle, busy, waiting } = sessions as PoolState;
    const all = `${token?.sessions ?? "?"} open on the token, ${token?.maxSessions ?? "no limit"} at most`;
    const detail = `${idle + busy} of this process, ${all}`;
    return {
      detail,
      facts: { idle, busy, waiting, open: token?.sessions ?? null, most: token?.maxSessions ?? null },
      value: undefined,
    };
  });
  return { publicKey: key, permission: key };
}

async function importPkcs11js(): Promise<void> {
  try {
    await import("pkcs11js");
  } catch (cause) {
    const message =
      "the package pkcs11js cannot be loaded: run npm install pkcs11js, which needs python3, make and a C++ compiler";
    throw new SignerError("DEPENDENCY_MISSING", message, { operation: "load", cause });
  }
}

function tokenResult(health: Pkcs11SignerHealth): CheckResult<Pkcs11SignerHealth> {
  const { token, slot, error } = health;
  if (token === undefined || SLOT_CALLS.has(error?.operation)) throw error;
  const { label, manufacturer, model, serialNumber, flags } = token;
  const warnings = PIN_FLAGS.filter(([flag]) => flags & flag).map(([, meaning]) => meaning);
  return {
    detail: `${JSON.stringify(label)} in slot ${slot}, ${manufacturer} ${model}, serial ${serialNumber}`,
    warning: warnings.join("; ") || undefined,
    facts: { slot: slot?.toString(), label, manufacturer, model, serialNumber, flags },
    value: health,
  };
}

function loginResult({ loggedIn, error }: Pkcs11SignerHealth, hasPin: boolean): CheckResult<undefined> {
  if (error?.code === "ACCESS_DENIED" || error?.operation === "C_Login") throw error;
  if (!hasPin) return { detail: "not logged in: no PIN was given", value: undefined };
  const isRight = error?.code === "KEY_NOT_FOUND" || loggedIn === true;
  return { detail: isRight ? "the PIN is right" : "done, as far as the token shows", value: undefined };
}

function keyResult({ key, error, ready }: Pkcs11SignerHealth): CheckResult<undefined> {
  if (error) throw error;
  if (!ready) {
    throw failedStep("the token does not offer CKM_ECDSA: its firmware or its policy forbids it; permit the mechanism");
  }
  const { sensitive, extractable } = { ...key };
  const shown = (value: boolean | undefined) => value ?? "not shown";
  const safe = sensitive === true && extractable === false;
  return {
    detail: `secp256k1, may sign, sensitive ${shown(sensitive)}, extractable ${shown(extractable)}`,
    warning: safe
      ? undefined
      : "it is not shown to be kept inside the token: make one that is sensitive and not extractable",
    facts: { curve: "secp256k1", sign: true, sensitive: sensitive ?? null, extractable: extractable ?? null },
    value: undefined,
  };
}
