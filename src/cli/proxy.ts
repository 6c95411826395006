import { once } from "node:events";
import type { ClientRequest, IncomingMessage } from "node:http";
import { type Agent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { connect as connectTls } from "node:tls";
import { SignerError } from "../core/errors.ts";
import type { KeyUriOptions } from "../uri/options.ts";
import type { KeyUri } from "../uri/parsed-uri.ts";
import type { Context } from "./context.ts";
import { requireUsage } from "./errors.ts";

/** The proxy for https requests to a host: HTTPS_PROXY, unless NO_PROXY names the host or a domain of it. */
export function proxyFor(host: string): string | undefined {
  const { env } = process;
  const excluded = (env["NO_PROXY"] ?? env["no_proxy"] ?? "").split(",").map((each) => each.trim().toLowerCase());
  const isExcluded = excluded.some((each) => {
    const domain = each.replace(/^\*?\./, "");
    return each === "*" || (domain !== "" && (host === domain || host.endsWith(`.${domain}`)));
  });
  return isExcluded ? undefined : env["HTTPS_PROXY"] || env["https_proxy"] || undefined;
}

/**
 * What sends a cloud's requests through the proxy of `--proxy` or HTTPS_PROXY. Azure's SDK and the libraries of credentials read
 * HTTPS_PROXY themselves, AWS's SDK and Node's fetch do not.
 *
 * @throws CommandError USAGE for a proxy that is not a URL, or for a key that is not in a cloud; SignerError DEPENDENCY_MISSING.
 */
export async function proxyOptionsOf(
  context: Context,
  backend: KeyUri["backend"],
): Promise<Pick<KeyUriOptions, "awsKms" | "gcpKms">> {
  const named = context.text("proxy");
  const isCloud = backend === "aws-kms" || backend === "azure-key-vault" || backend === "gcp-kms";
  requireUsage(named === undefined || isCloud, "--proxy is for keys in AWS KMS, Azure Key Vault and Google Cloud KMS");
  if (named !== undefined) process.env["HTTPS_PROXY"] = named;
  const proxy = process.env["HTTPS_PROXY"] || process.env["https_proxy"];
  if (!proxy || !isCloud || backend === "azure-key-vault") return {};
  requireUsage(
    URL.canParse(proxy) && /^https?:$/.test(new URL(proxy).protocol),
    "the proxy (--proxy, HTTPS_PROXY) must be a URL, for example http://proxy.example:3128",
  );
  const agent = await proxyAgent(proxy);
  if (backend === "gcp-kms") return { gcpKms: { fetch: fetchThrough(agent) } };
  return { awsKms: { requestHandler: { httpsAgent: agent } } };
}

async function proxyAgent(proxy: string): Promise<Agent> {
  const { HttpsProxyAgent } = await importProxyAgent();
  class SelectiveAgent extends HttpsProxyAgent<string> {
    override async connect(
      request: ClientRequest,
      options: Parameters<InstanceType<typeof HttpsProxyAgent>["connect"]>[1],
    ) {
      const { host = "" } = options;
      return proxyFor(host) === undefined
        ? connectTls({ ...options, host, port: options.port })
        : super.connect(request, options);
    }
  }
  return new SelectiveAgent(proxy, { keepAlive: true }) as unknown as Agent;
}

/** A fetch of Node's https with an agent, for requests as they are made to Cloud KMS: text in, no redirects. */
function fetchThrough(agent: Agent): typeof fetch {
  return async (input, init = {}) => {
    const url = new URL(String(input));
    if (url.protocol !== "https:") return fetch(input, init);
    const { method = "GET", headers, body, signal } = init;
    const request = httpsRequest(url, {
      ...{ agent, method, headers: Object.fromEntries(new Headers(headers)) },
      ...(signal ? { signal } : {}),
    });
    request.end(body ?? undefined);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const received = Object.entries(response.headers).map(([name, value]): [string, string] => [name, String(value)]);
    return new Response(Readable.toWeb(response) as ReadableStream, {
      status: response.statusCode ?? 0,
      headers: received,
    });
  };
}

async function importProxyAgent(): Promise<typeof import("https-proxy-agent")> {
  try {
    return await import("https-proxy-agent");
  } catch (cause) {
    const message =
      "the package https-proxy-agent cannot be loaded: run npm install https-proxy-agent (--proxy and HTTPS_PROXY need it), or unset HTTPS_PROXY";
    throw new SignerError("DEPENDENCY_MISSING", message, { operation: "load", cause });
  }
}
