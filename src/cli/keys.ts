import type { Provider } from "ethers";
import type { KeyStore } from "../accounts/key-store.ts";
import type { RemoteSigner } from "../signer/remote-signer.ts";
import { parseKeyUri } from "../uri/key-uri.ts";
import type { KeyUriOptions } from "../uri/options.ts";
import { signerFromUri } from "../uri/signer.ts";
import { storeFromUri } from "../uri/store.ts";
import type { Context } from "./context.ts";
import { requireUsage } from "./usage-error.ts";

const LONGEST_SECONDS = 2_147_483;

/** The URI of `--key` or ETHERS_HSM_KEY. @throws UsageError where there is none. */
export function keyUriOf(context: Context): string {
  const uri = context.setting("key", "ETHERS_HSM_KEY");
  requireUsage(uri, "no key is named: pass --key URI, or set ETHERS_HSM_KEY; see ethers-hsm --help for URIs");
  return uri;
}

/** What the URI leaves open: the deadline, and the PIN, of the environment or of a person. */
export async function keyOptionsOf(context: Context, uri: string): Promise<Omit<KeyUriOptions, "expectedAddress">> {
  const seconds = context.count("timeout", LONGEST_SECONDS);
  requireUsage(seconds !== 0, "--timeout must be 1 second at least");
  const shared = seconds === undefined ? {} : { timeout: seconds * 1_000 };
  const parsed = parseKeyUri(uri);
  if (!("pinSource" in parsed) || parsed.pinSource !== undefined) return shared;
  const pin = await pinOf(context, parsed.backend);
  return pin === undefined ? shared : { ...shared, pkcs11: { pin } };
}

/** Runs `use` with the key's signer, and closes it. */
export async function withSigner<T>(
  context: Context,
  provider: Provider | null,
  use: (signer: RemoteSigner) => Promise<T>,
): Promise<T> {
  const uri = keyUriOf(context);
  const signer = await signerFromUri(uri, provider, await keyOptionsOf(context, uri));
  try {
    return await use(signer);
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
  const store = await storeFromUri(uri, { ...(await keyOptionsOf(context, uri)), prefix });
  try {
    return await use(store, uri);
  } finally {
    await store.close?.();
  }
}

// Asked for before anything is opened: the time that a person takes must not count as the backend's.
async function pinOf({ terminal }: Context, backend: string): Promise<string | undefined> {
  const fromEnvironment = process.env["ETHERS_HSM_PIN"];
  if (fromEnvironment) return fromEnvironment;
  if (!terminal.isInteractive) return undefined;
  const form = backend === "cloudhsm" ? "user:password" : "Enter for none";
  const typed = await terminal.askHidden(`PIN of the token (${form}): `);
  return typed === "" ? undefined : typed;
}
