import { id } from "ethers";
import { isSignerError } from "ethers-hsm";
import { KmsSigner } from "ethers-hsm/aws-kms";
import { AzureKeyVaultSigner } from "ethers-hsm/azure-key-vault";
import { Pkcs11Signer } from "ethers-hsm/pkcs11";
import pkcs11js from "pkcs11js";
import type { KmsTarget, VaultTarget } from "../backend-server.ts";
import { CREDENTIALS } from "../settings.ts";
import type { TokenTarget } from "../token.ts";
import { vaultOptions } from "../vault-options.ts";

export type Target = { readonly kms: KmsTarget } | { readonly vault: VaultTarget } | { readonly token: TokenTarget };

export type DeadlineMessage =
  /** `timeout` in milliseconds. */
  { readonly target: Target; readonly timeout: number } | { readonly calls: number; readonly inFlight: number };

// pkcs11js copies its methods to each of its objects when it is constructed: the first one was not yet.
const native = Object.getPrototypeOf(pkcs11js.PKCS11.prototype);
const { C_SignCallback } = native;
let silent = false;
native.C_SignCallback = function silenced(this: unknown, ...args: unknown[]) {
  if (!silent) return C_SignCallback.apply(this, args);
};

interface Signing {
  signDigest(digest: string): Promise<unknown>;
}

let signer: Signing | undefined;
let timeout = 0;

/** Opens a signer and signs once; then, when the backend answers no more, how late each call gave up: milliseconds. */
export async function answer(message: DeadlineMessage): Promise<readonly number[]> {
  if ("target" in message) {
    timeout = message.timeout;
    // The first one loads the vendor's SDK, which may take longer than the deadlines here.
    await open(message.target, 60_000).signDigest(id("a digest"));
    signer = open(message.target, timeout);
    await signer.signDigest(id("a digest"));
    silent = true;
    return [];
  }
  const lateness: number[] = [];
  for (let index = 0; index < message.calls; index += message.inFlight) {
    lateness.push(...(await Promise.all(Array.from({ length: message.inFlight }, latenessOfOne))));
  }
  return lateness;
}

function open(target: Target, ms: number): Signing {
  if ("kms" in target) {
    const { address: _, ...kms } = target.kms;
    return new KmsSigner({ ...kms, credentials: CREDENTIALS, timeout: ms });
  }
  if ("vault" in target) {
    return new AzureKeyVaultSigner({ ...vaultOptions(target.vault), keyName: target.vault.keyName, timeout: ms });
  }
  const { address: _, ...token } = target.token;
  return new Pkcs11Signer({ ...token, timeout: ms });
}

async function latenessOfOne(): Promise<number> {
  const started = performance.now();
  try {
    await signer?.signDigest(id("a digest"));
  } catch (error) {
    if (isSignerError(error, "BACKEND_TIMEOUT")) return performance.now() - started - timeout;
    throw error;
  }
  throw new Error("the call should have ended with BACKEND_TIMEOUT");
}
