import type { KeyProperties } from "@azure/keyvault-keys";
import { concurrentMap } from "../accounts/concurrent-map.ts";
import type { ListedKey, StoreHealth } from "../accounts/key-store.ts";
import { isSignerError, type SignerError } from "../core/errors.ts";
import type { CallOptions } from "../signer/remote-key.ts";
import { passesFilter } from "./key-filter.ts";
import { formatKeyUrl } from "./key-url.ts";
import { isSecp256k1, usableVersion } from "./key-version.ts";
import { type Call, type SdkOptions, send, sendOnce } from "./send.ts";
import type { StoreSession } from "./store-session.ts";

type Pages = AsyncIterator<KeyProperties[]>;

/** The secp256k1 keys of the vault that pass the store's filter. */
export async function* listKeys(session: StoreSession, { signal }: CallOptions): AsyncGenerator<ListedKey, void> {
  const { concurrency } = session.options;
  const found = concurrentMap(
    // The first page is there before the first key is asked for, and so is the token: no two requests begin the client.
    (inner) => listNames(session, inner),
    (name, inner) => readKey(session, name, inner),
    { concurrency, signal },
  );
  for await (const listed of found) {
    if (listed) yield listed;
  }
}

/** One short page, to see whether the vault answers and permits it. */
export async function readHealth(session: StoreSession, { signal }: CallOptions): Promise<StoreHealth> {
  try {
    await session.run("health", { signal }, async (call) => {
      const client = await session.client();
      await send("list", call, (sdk) => client.listPropertiesOfKeys(sdk).byPage({ maxPageSize: 1 }).next());
    });
    return { reachable: true, canList: true, canSign: undefined, error: undefined };
  } catch (error) {
    if (signal?.aborted || !isSignerError(error) || error.code === "SIGNER_CLOSED") throw error;
    const answered = error.info?.["statusCode"] !== undefined;
    const denied = answered && error.code === "ACCESS_DENIED";
    const reachable = denied || (answered && error.code === "THROTTLED");
    return { reachable, canList: denied ? false : undefined, canSign: undefined, error };
  }
}

async function* listNames(session: StoreSession, signal: AbortSignal): AsyncGenerator<string, void> {
  const client = await session.client();
  const firstPage = async (sdk: SdkOptions) => {
    const pages: Pages = client.listPropertiesOfKeys(sdk).byPage();
    return { pages, page: await pages.next() };
  };
  const first = await session.run("list", { signal }, (call) => send("list", call, firstPage));
  const { pages } = first.value;
  // Once a page failed the SDK would say that there are no more: it is never asked again.
  const nextPage = async (call: Call) => (await sendOnce("list", call, () => pages.next())).value;
  for (let { page } = first.value; !page.done; page = await session.run("list", { signal }, nextPage)) {
    for (const key of page.value) {
      if (passesFilter(session.options.filter, key)) yield key.name;
    }
  }
}

/** Undefined for a key of another kind, and for one that was deleted meanwhile. */
async function readKey(session: StoreSession, name: string, signal: AbortSignal): Promise<ListedKey | undefined> {
  const url = session.urlOf(name);
  const id = formatKeyUrl(url);
  try {
    const key = await session.run("list", { signal }, (call) => session.getKey(name, call));
    return isSecp256k1(key) ? await session.storedKey(name, usableVersion(key, url)) : undefined;
  } catch (error) {
    if (signal.aborted || !isSignerError(error)) throw error;
    if (error.info?.["statusCode"] === 404) return undefined;
    if (!isOfOneKey(error)) throw error;
    return { id, name, error: error.withContext({ backend: "azure-key-vault", keyId: id, operation: "list" }) };
  }
}

// A vault that does not answer, that throttles or takes no token will not do better with the next key.
function isOfOneKey({ code, info }: SignerError): boolean {
  const status = info?.["statusCode"];
  if (status === undefined) return code === "KEY_UNUSABLE" || code === "BACKEND_RESPONSE_INVALID";
  return status !== 401 && status !== 429;
}
