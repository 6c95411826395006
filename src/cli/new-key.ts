import { hexlify } from "ethers";
import type { KeyStore, NewKeyOptions, StoredKey } from "../accounts/key-store.ts";
import { parseKeyUri } from "../uri/key-uri.ts";
import type { Context } from "./context.ts";
import { requireUsage } from "./errors.ts";

/** A new key's name in the words of its own store: `name`, in Google Cloud also `keyRing`, on a token also `id`. */
export interface NewKeyName extends NewKeyOptions {
  readonly keyRing?: string;
  readonly id?: string;
}

/** The stores of this package can make keys. */
export type MakingStore = Required<Pick<KeyStore, "createKey" | "importKey">>;

/** How the new key is called, as the URI says. @throws CommandError USAGE if the URI's key cannot be the name of a new one. */
export function newKeyName(uri: string): NewKeyName {
  const parsed = parseKeyUri(uri);
  if (parsed.backend === "aws-kms") {
    const { keyId } = parsed.options;
    const isAlias = keyId === undefined || keyId.startsWith("alias/");
    requireUsage(isAlias, "the URI of a new key in AWS KMS names its alias, aws-kms:alias/NAME, or nothing");
    return keyId === undefined ? {} : { name: keyId };
  }
  if (parsed.backend === "azure-key-vault") {
    const { keyName, keyVersion } = parsed.options;
    requireUsage(keyName !== undefined, "the URI of a new key must name it: azure-key-vault:https://VAULT/keys/NAME");
    requireUsage(keyVersion === undefined, "the URI of a new key cannot name a version: the vault makes it");
    return { name: keyName };
  }
  if (parsed.backend === "gcp-kms") {
    const [, keyRing, name, version] = parsed.resource.split(/\/(?:keyRings|cryptoKeys|cryptoKeyVersions)\//);
    const example = "gcp-kms:projects/P/locations/L/keyRings/R/cryptoKeys/NAME";
    requireUsage(keyRing !== undefined && name !== undefined, `the URI of a new key must name it: ${example}`);
    requireUsage(version === undefined, "the URI of a new key cannot name a version: it is the first");
    return { name, keyRing };
  }
  const { keyLabel, keyId } = parsed.options;
  requireUsage(typeof keyLabel === "string", "the URI of a new key must name its label: object=NAME");
  return { name: keyLabel, ...(keyId === undefined ? {} : { id: hexlify(keyId) }) };
}

/** Says which key it is now, and how it is named from now on. */
export function reportKey(context: Context, uri: string, { address, name, key }: StoredKey, done: string): void {
  const scheme = uri.slice(0, uri.indexOf(":"));
  const question = uri.indexOf("?");
  const query = question < 0 ? "" : uri.slice(question);
  const own = `${scheme}:${key.id.replace(/^pkcs11:/, "")}${query}`;
  const document = { address, name: name ?? null, backend: key.backend, keyId: key.id, uri: own };
  context.result(document, [`${done} ${address}`, `--key '${own}'`]);
}
