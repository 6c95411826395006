import { isIdentifier } from "../backend/checks.ts";

/** The parts of a key's URL: `https://NAME.vault.azure.net/keys/KEY[/VERSION]`. */
export interface KeyUrl {
  /** Scheme, host and port, without a slash at the end. */
  readonly vaultUrl: string;
  readonly name: string;
  /** Undefined if the URL means the version that is current. */
  readonly version: string | undefined;
}

// REST reference, "Authentication, requests and responses": names have up to 127 letters, digits and hyphens. The service's
// versions have 32 hexadecimal digits; the rule here leaves room for other servers of the protocol.
const PATH = /^\/keys\/([0-9A-Za-z-]{1,127})(?:\/([0-9A-Za-z-]{1,127}))?\/?$/;
const NAME = /^[0-9A-Za-z-]{1,127}$/;

/** Scheme, host and port of a vault's URL; undefined if it is not one, or has a path, a query or credentials. */
export function parseVaultUrl(text: unknown): string | undefined {
  const url = parseUrl(text);
  return url && url.pathname === "/" ? url.origin : undefined;
}

/** Undefined if it is not the URL of a key. */
export function parseKeyUrl(text: unknown): KeyUrl | undefined {
  const url = parseUrl(text);
  const [, name, version] = (url && PATH.exec(url.pathname)) ?? [];
  return url && name !== undefined ? { vaultUrl: url.origin, name, version } : undefined;
}

/** Whether `text` can be the name, or the version, of a key. */
export function isKeyName(text: unknown): text is string {
  return typeof text === "string" && NAME.test(text);
}

export function formatKeyUrl({ vaultUrl, name, version }: KeyUrl): string {
  return `${vaultUrl}/keys/${name}${version === undefined ? "" : `/${version}`}`;
}

/** Whether it is a Managed HSM, by its name. */
export function isManagedHsm(vaultUrl: string): boolean {
  return /\.managedhsm\./i.test(vaultUrl);
}

/** Whether both mean the same version of the same key of the same vault. The service ignores the case of letters. */
export function sameKeyUrl(a: KeyUrl, b: KeyUrl): boolean {
  return formatKeyUrl(a).toLowerCase() === formatKeyUrl(b).toLowerCase();
}

function parseUrl(text: unknown): URL | undefined {
  // URL would remove white space at both ends and line breaks anywhere.
  if (!isIdentifier(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const plain = url.search === "" && url.hash === "" && url.username === "" && url.password === "";
  return plain && (url.protocol === "https:" || url.protocol === "http:") ? url : undefined;
}
