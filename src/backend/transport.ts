import type { ErrorMapping, Failure } from "./failure.ts";

// Of getaddrinfo and of c-ares.
const DNS = /^(ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|EREFUSED|ETIMEOUT)$/;
const NOT_CONNECTED = /^(ECONNREFUSED|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|UND_ERR_SOCKET)$/;
const BROKEN_OFF = /^(ECONNRESET|ECONNABORTED|EPIPE|ERR_STREAM_PREMATURE_CLOSE)$/;
const TIMED_OUT = /^(ETIMEDOUT|ESOCKETTIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/;
const TLS =
  /^(EPROTO|CERT_|CRL_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/;
const BROWSER_FETCH = /fetch|load failed|network/i;

/**
 * What a failed connection means; undefined if it is not the connection that failed. One rule for every backend and every source of
 * credentials.
 *
 * @param target what could not be reached, for the hint: `"KMS"`, `"https://treasury.vault.azure.net"`.
 */
export function transportMapping({ name, text, platformCode }: Failure, target: string): ErrorMapping | undefined {
  const code = platformCode ?? codeIn(text) ?? "";
  if (DNS.test(code)) {
    return { code: "BACKEND_UNAVAILABLE", hint: `the name of ${target} is not found; check it, and DNS` };
  }
  if (TLS.test(code)) return { code: "BACKEND_UNAVAILABLE", hint: tlsHint(code, text, target), retryable: false };
  if (TIMED_OUT.test(code)) return timedOut(target);
  if (NOT_CONNECTED.test(code) || (name === "TypeError" && BROWSER_FETCH.test(text))) {
    return {
      code: "BACKEND_UNAVAILABLE",
      hint: `${target} cannot be reached; check its address, and outbound network access (firewall, proxy)`,
    };
  }
  if (BROKEN_OFF.test(code)) {
    return { code: "BACKEND_UNAVAILABLE", hint: `the connection to ${target} was closed before a response; try again` };
  }
  return name === "TimeoutError" ? timedOut(target) : undefined;
}

/** Node's code in a text, for errors of another realm, of which SDKs keep the text alone. */
export function codeIn(text: string): string | undefined {
  if (text === "socket hang up" || text === "aborted") return "ECONNRESET";
  return /\bE[A-Z_]{4,}\b/.exec(text)?.[0];
}

function timedOut(target: string): ErrorMapping {
  return {
    code: "BACKEND_TIMEOUT",
    hint: `${target} did not respond in time; check that it can be reached, or raise the client's timeouts`,
  };
}

function tlsHint(code: string, text: string, target: string): string {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID" || code === "HOSTNAME_MISMATCH") {
    return `the TLS certificate of ${target} is for another name; check the address, DNS, and what intercepts TLS here`;
  }
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") {
    return `the TLS certificate of ${target} has expired or is not valid yet; check this machine's clock, or have it renewed`;
  }
  if (
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/.test(code) ||
    /wrong version number|packet length too long/i.test(text)
  ) {
    return `what answers at ${target} does not speak TLS; check the port, and that the address is not one for http://`;
  }
  if (code === "EPROTO" || /^ERR_(SSL|TLS)_/.test(code)) {
    return `no TLS connection to ${target} could be agreed on; check the address, and what intercepts TLS here`;
  }
  return (
    `the TLS certificate of ${target} is not by a trusted issuer; check the address and what intercepts TLS here, or add the ` +
    "issuer (NODE_EXTRA_CA_CERTS)"
  );
}

const PROXY_VARIABLES = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

interface NodeProcess {
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The variable that names a proxy here, if one does; a browser has none. */
export function proxyVariable(): string | undefined {
  const { process } = globalThis as { process?: NodeProcess };
  return PROXY_VARIABLES.find((name) => process?.env?.[name]);
}
