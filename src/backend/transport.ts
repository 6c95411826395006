import type { ErrorMapping, Failure } from "./failure.ts";

// Of getaddrinfo and of c-ares.
const DNS = /^(ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|EREFUSED|ETIMEOUT)$/;
const NOT_CONNECTED = /^(ECONNREFUSED|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL)$/;
const BROKEN_OFF = /^(ECONNRESET|ECONNABORTED|EPIPE|ERR_STREAM_PREMATURE_CLOSE|UND_ERR_SOCKET)$/;
const TIMED_OUT = /^(ETIMEDOUT|ESOCKETTIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/;
const TLS =
  /^(EPROTO|CERT_|CRL_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/;
// Of Node's parser of HTTP, and of its decompression.
const NOT_HTTP = /^(HPE_|UND_ERR_HEADERS_OVERFLOW|Z_\w+_ERROR|ERR_BROTLI|ERR_+ERROR_FORMAT)/;
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
  if (NOT_HTTP.test(code) || /^Parse Error\b/.test(text)) {
    const hint = `the response is not one of HTTP; check the address of ${target}, its port, and what answers in its place`;
    return { code: "BACKEND_UNAVAILABLE", hint, retryable: false };
  }
  return name === "TimeoutError" ? timedOut(target) : undefined;
}

/** Node's code in a text, for errors of another realm, of which SDKs keep the text alone. */
export function codeIn(text: string): string | undefined {
  if (text === "socket hang up" || text === "aborted") return "ECONNRESET";
  // OpenSSL's X509_verify_cert_error_string.
  if (/\bself-signed certificate\b|^unable to (get|verify) .*certificate/.test(text))
    return "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
  return /\bE[A-Z_]{4,}\b/.exec(text)?.[0];
}

/**
 * What a response that did not come from the service means, by its HTTP status; undefined if it is not the fault of something on the way.
 *
 * @param service its name, for the hint.
 */
export function foreignMapping(status: number, service: string): ErrorMapping | undefined {
  if (status === 429) {
    const hint = `not ${service} itself, but something on the way there asks for fewer requests; check proxies and load balancers`;
    return { code: "THROTTLED", hint };
  }
  if (status < 500 && status !== 408) return undefined;
  const hint = `${service} did not answer itself; try again, and check proxies and load balancers`;
  return { code: "BACKEND_UNAVAILABLE", hint };
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
