import { createHash, createHmac } from "node:crypto";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface UnsignedRequest {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly region: string;
  readonly service: string;
  readonly time: Date;
}

/**
 * The headers of a request with its signature, without `host`.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signedHeaders(request: UnsignedRequest, credentials: AwsCredentials): Record<string, string> {
  const { method, url, body, region, service, time } = request;
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const date = time.toISOString().replace(/[-:]|\.\d+/g, "");
  const day = date.slice(0, 8);
  const sent: Record<string, string> = {
    ...request.headers,
    "x-amz-date": date,
    ...(sessionToken === undefined ? {} : { "x-amz-security-token": sessionToken }),
  };
  const all = Object.entries({ ...sent, host: url.host }).sort(([a], [b]) => (a < b ? -1 : 1));
  const names = all.map(([name]) => name).join(";");
  const lines = all.map(([name, value]) => `${name}:${value.trim()}\n`).join("");
  url.searchParams.sort();
  const query = url.search.slice(1);
  const canonical = [method, url.pathname, query, lines, names, sha256(body)].join("\n");
  const scope = [day, region, service, "aws4_request"].join("/");
  const text = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
  const key = [day, region, service, "aws4_request"].reduce<Buffer | string>(hmac, `AWS4${secretAccessKey}`);
  const signature = hmac(key, text).toString("hex");
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...sent, authorization };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
