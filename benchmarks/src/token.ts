import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { computeAddress, id } from "ethers";
import { softHsmLibrary } from "../../scripts/setup/softhsm.mjs";
import { SoftHsmToken } from "../../tests/support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../../tests/support/softhsm-configuration.ts";

/** What reaches one key of a token; it can be sent to another process, which inherits SoftHSM2's configuration. */
export interface TokenTarget {
  readonly libraryPath: string;
  readonly tokenLabel: string;
  readonly pin: string;
  readonly keyLabel: string;
  readonly address: string;
}

let configured = false;
let tokens = 0;

/**
 * A new token of SoftHSM2 with these keys: `key-0` and so on.
 *
 * SoftHSM2 reads its configuration once in a process, so that all tokens share one temporary folder.
 */
export function createToken(privateKeys: readonly string[] = [id("the key of the token")], pin?: string): SoftHsmToken {
  const libraryPath = softHsmLibrary();
  if (libraryPath === undefined) throw new Error("SoftHSM2 is missing; run npm run setup");
  configureSoftHsm();
  tokens += 1;
  const token = SoftHsmToken.create(libraryPath, `bench-${tokens}`, pin);
  for (const [index, privateKey] of privateKeys.entries()) {
    token.importKey(privateKey, { label: `key-${index}`, id: id(`key-${index}`) });
  }
  return token;
}

/** A token with one key. */
export function createTarget(pin?: string): TokenTarget {
  const privateKey = id("the key of the token");
  const { libraryPath, label: tokenLabel, pin: userPin } = createToken([privateKey], pin);
  return { libraryPath, tokenLabel, pin: userPin, keyLabel: "key-0", address: computeAddress(privateKey) };
}

/** Gives SoftHSM2 a folder of its own in this process and in those that it starts. */
export function configureSoftHsm(): void {
  if (configured) return;
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  process.env["SOFTHSM2_CONF"] = writeSoftHsmConfiguration(folder);
  configured = true;
}
