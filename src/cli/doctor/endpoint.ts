import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect as connectTls, type PeerCertificate, type TLSSocket } from "node:tls";
import { proxyFor } from "../proxy.ts";
import { type CheckResult, failedStep } from "./checks.ts";

const SOON_MS = 14 * 86_400_000;

/** Connects to the host of a URL, with TLS for https: and Node's trusted authorities; sends nothing. */
export async function checkEndpoint(url: string, timeout: number): Promise<CheckResult<string>> {
  const { protocol, host: shown, hostname, port, origin } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (protocol === "https:" && proxyFor(host) !== undefined) {
    return { detail: "not tried: requests go through the proxy of --proxy or HTTPS_PROXY", value: origin };
  }
  const where = { host, port: Number(port || (protocol === "https:" ? 443 : 80)) };
  const socket =
    protocol === "https:"
      ? connectTls({ ...where, ...(/[a-z]/i.test(host) ? { servername: host } : {}) })
      : connectTcp(where);
  try {
    await once(socket, protocol === "https:" ? "secureConnect" : "connect", { signal: AbortSignal.timeout(timeout) });
    if (protocol === "https:") return tlsResult(origin, socket as TLSSocket);
    return {
      detail: `${origin} answers`,
      warning: "it is not encrypted: use https:// outside of tests",
      value: origin,
    };
  } catch (error) {
    // Not the origin: of a failure no URL is told.
    throw failedStep(`${shown} ${whyNot(error)}`);
  } finally {
    socket.destroy();
  }
}

function tlsResult(origin: string, socket: TLSSocket): CheckResult<string> {
  const { issuer, valid_to: until }: PeerCertificate = socket.getPeerCertificate();
  const expires = new Date(until);
  const by = [issuer?.O ?? issuer?.CN].flat().join(" ");
  const soon = expires.getTime() - Date.now() < SOON_MS;
  return {
    detail: `${origin}, ${socket.getProtocol()}, certificate by ${by} until ${expires.toISOString().slice(0, 10)}`,
    warning: soon ? "the certificate expires within two weeks: renew it, if it is yours" : undefined,
    facts: { url: origin, protocol: socket.getProtocol(), issuer: by, expires: expires.toISOString() },
    value: origin,
  };
}

function whyNot(error: unknown): string {
  const { code, name } = error as { readonly code: string; readonly name: string };
  if (name === "AbortError" || name === "TimeoutError" || code === "ETIMEDOUT") {
    return "does not answer in time: check the firewall, the security group and the route to it";
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `is not in DNS (${code}): check the name and the resolver`;
  if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code)) {
    return `shows a certificate that is not trusted (${code}): check for a proxy in between, or set NODE_EXTRA_CA_CERTS`;
  }
  if (/TLS|SSL|EPROTO/.test(code)) return `does not speak TLS (${code}): check the URL's scheme and port`;
  return `cannot be reached (${code}): check the host, the port and outbound network access (firewall, proxy)`;
}
