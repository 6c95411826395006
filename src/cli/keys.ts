import type { Provider } from "ethers";
import type { KeyStore } from "../accounts/key-store.ts";
import { isSignerError } from "../core/errors.ts";
import type { RemoteSigner } from "../signer/remote-signer.ts";
import { parseKeyUri } from "../uri/key-uri.ts";
import type { KeyUriOptions } from "../uri/options.ts";
import { signerFromUri } from "../uri/signer.ts";
import { storeFromUri } from "../uri/store.ts";
import type { Context } from "./context.ts";
import { CommandError, requireUsage } from "./errors.ts";
import { readPolicy } from "./policy-file.ts";
import { proxyOptionsOf } from "./proxy.ts";

/** The URI of `--key` or ETHERS_HSM_KEY. @throws CommandError USAGE if there is none. */
export function keyUriOf(context: Context): string {
  const uri = context.setting("key", "ETHERS_HSM_KEY");
  requireUsage(uri, "no key is named: pass --key URI, or set ETHERS_HSM_KEY; see ethers-hsm --help for URIs");
  return uri;
}

/** What the URI leaves open: the deadline, a proxy, and the PIN, from the environment or from a person. */
export async function keyOptionsOf(context: Context, uri: string): Promise<KeyOptions> {
  const { timeout } = context;
  const parsed = parseKeyUri(uri);
  const proxied = await proxyOptionsOf(context, parsed.backend);
  if (!("pinSource" in parsed)) return { timeout, ...proxied };
  // In a process of its own: a library that hangs would keep this one from ending, or from noticing that the time is over.
  const isolated = { isolation: "process", hangTimeout: timeout } as const;
  const pin = parsed.pinSource === undefined ? await pinOf(context, parsed.backend) : undefined;
  return { timeout, pkcs11: { ...isolated, ...(pin === undefined ? {} : { pin }) } };
}

type KeyOptions = Omit<KeyUriOptions, "expectedAddress" | "requireCustody" | "policy" | "audit"> & {
  readonly timeout: number;
};

/** Runs `use` with the key's signer, which `--policy` decides for, and closes it. */
export async function withSigner<T>(
  context: Context,
  provider: Provider | null,
  use: (signer: RemoteSigner) => Promise<T>,
): Promise<T> {
  const uri = keyUriOf(context);
  const policy = await readPolicy(context);
  const options = await keyOptionsOf(context, uri);
  const signer = await signerFromUri(uri, provider, { ...options, policy });
  try {
    return await use(signer);
  } catch (error) {
    if (isSignerError(error, "KEY_NOT_FOUND")) requirePin(context, error.message);
    throw error;
  } finally {
    await signer.close();
  }
}

/** Runs `use` with the store that the URI is in, and closes it. */
export async function withStore<T>(
  context: Context,
  prefix: string | undefined,
  use: (store: KeyStore, uri: string) => Promise<T>,
): Promise<T> {
  const uri = keyUriOf(context);
  const options = await keyOptionsOf(context, uri);
  const store = await storeFromUri(uri, { ...options, prefix });
  try {
    return await use(store, uri);
  } finally {
    await store.close?.();
  }
}

/**
 * A token shows its private keys after a login only.
 *
 * @throws CommandError ACCESS_DENIED if a token's PIN was given nowhere. At a terminal, a person decided to give none.
 */
export function requirePin(context: Context, reason: string): void {
  const parsed = parseKeyUri(keyUriOf(context));
  const isOpen = !("pinSource" in parsed) || parsed.pinSource !== undefined;
  if (isOpen || process.env["ETHERS_HSM_PIN"] || context.terminal.isInteractive) return;
  const hint = "set ETHERS_HSM_PIN, or name a pin-source in the URI";
  throw new CommandError("ACCESS_DENIED", `${reason}; no PIN was given`, hint);
}

// Asked before anything is opened: the time that a person takes must not count as the backend's.
async function pinOf({ terminal }: Context, backend: string): Promise<string | undefined> {
  const fromEnvironment = process.env["ETHERS_HSM_PIN"];
  if (fromEnvironment) return fromEnvironment;
  if (!terminal.isInteractive) return undefined;
  const form = backend === "cloudhsm" ? "user:password" : "Enter for none";
  const typed = await terminal.askHidden(`PIN of the token (${form}): `);
  return typed === "" ? undefined : typed;
}
