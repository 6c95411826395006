import { type AwsCredentials, signedHeaders } from "./signature-v4.ts";
import { StepError } from "./walk.ts";

export interface CallerIdentity {
  readonly arn: string;
  readonly account: string;
}

/**
 * Whose credentials they are: GetCallerIdentity of AWS STS, which needs no permission. No SDK that this package needs has
 * this request. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 *
 * @throws StepError.
 */
export async function callerIdentity(
  endpoint: string,
  region: string,
  credentials: AwsCredentials,
  timeout: number,
): Promise<CallerIdentity> {
  const url = new URL(endpoint);
  const body = "Action=GetCallerIdentity&Version=2011-06-15";
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const request = { method: "POST", url, headers, body, region, service: "sts", time: new Date() } as const;
  let status: number;
  let text: string;
  try {
    const signal = AbortSignal.timeout(timeout);
    const sent = { method: request.method, headers: signedHeaders(request, credentials), body, signal };
    const response = await fetch(url, sent);
    [status, text] = [response.status, await response.text()];
  } catch {
    throw new StepError(`${url.host} cannot be reached: check the way to STS, which is not needed for signing`);
  }
  const element = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];
  const [arn, account] = [element("Arn"), element("Account")];
  if (status === 200 && arn !== undefined && account !== undefined) return { arn, account };
  const why = element("Code") ?? `HTTP ${status}`;
  throw new StepError(`STS refuses the credentials (${why}): renew them, or correct them where they are configured`);
}

/** STS of the Region; undefined where KMS's endpoint is not AWS's own, and so STS's is not known either. */
export function stsEndpoint(region: string, kmsEndpoint: string): string | undefined {
  const given = process.env["AWS_ENDPOINT_URL_STS"];
  if (given) return given;
  const [, suffix] = /\.(amazonaws\.com(?:\.cn)?)$/.exec(new URL(kmsEndpoint).hostname) ?? [];
  return suffix === undefined ? undefined : `https://sts.${region}.${suffix}/`;
}
