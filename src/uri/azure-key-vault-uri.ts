import type { UriComponent } from "./attributes.ts";
import type { AzureKeyVaultKeyUri } from "./parsed-uri.ts";
import { requireUri } from "./refusal.ts";
import { readFlag, readVendorQuery } from "./vendor-query.ts";

const PATH = /^\/(?:keys\/([\dA-Za-z-]{1,127})(?:\/([\dA-Za-z-]{1,127}))?\/?)?$/;

/** Nothing for a key where the URL has no path: the URI names a vault then. */
export function readAzureKeyVaultUri(path: UriComponent, query: UriComponent): AzureKeyVaultKeyUri["options"] {
  const example = "https://NAME.vault.azure.net/keys/KEY/VERSION";
  const url = /^https?:\/\//i.test(path.text) && URL.canParse(path.text) ? new URL(path.text) : undefined;
  requireUri(url, `the key's identifier must follow azure-key-vault:, for example ${example}`);
  requireUri(url.username === "" && url.password === "", "it must not hold a user name or a password");
  const [matched, keyName, keyVersion] = PATH.exec(url.pathname) ?? [];
  requireUri(
    matched !== undefined,
    `the path after the vault must be /keys/KEY or /keys/KEY/VERSION, as in ${example}`,
  );
  const flags = ["allowInsecureConnection", "disableChallengeResourceVerification"] as const;
  const given = readVendorQuery(query, [...flags, "serviceVersion"]);
  const [allowInsecureConnection, disableChallengeResourceVerification] = flags.map((name) =>
    readFlag(name, given[name]),
  );
  const options = {
    ...{ vaultUrl: url.origin, keyName, keyVersion },
    ...{ allowInsecureConnection, disableChallengeResourceVerification, serviceVersion: given.serviceVersion },
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
