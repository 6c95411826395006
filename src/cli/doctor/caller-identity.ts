import { type CheckResult, failedStep } from "./checks.ts";
import { type AwsCredentials, signedHeaders } from "./signature-v4.ts";

/** Signing does not need STS, so its step must not take long. */
const LONGEST_MS = 3_000;

/**
 * Whose credentials they are: GetCallerIdentity of AWS STS, which needs no permission. No SDK that this package needs has
 * this request. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 *
 * @returns a warning if STS does not answer as STS within `timeout`, and within three seconds.
 * @throws CommandError CHECK_FAILED.
 */
export async function callerIdentity(
  endpoint: string,
  region: string,
  credentials: AwsCredentials,
  timeout: number,
): Promise<CheckResult<undefined>> {
  const url = new URL(endpoint);
  const body = "Action=GetCallerIdentity&Version=2011-06-15";
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const request = { method: "POST", url, headers, body, region, service: "sts", time: new Date() } as const;
  let status: number;
  let text: string;
  try {
    const signal = AbortSignal.timeout(Math.min(timeout, LONGEST_MS));
    const sent = { method: request.method, headers: signedHeaders(request, credentials), body, signal };
    const response = await fetch(url, sent);
    [status, text] = [response.status, await response.text()];
  } catch {
    return unknownIdentity(`${url.host} cannot be reached`);
  }
  const element = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];
  const [arn, account] = [element("Arn"), element("Account")];
  if (status === 200 && arn !== undefined && account !== undefined) {
    return { detail: arn, facts: { arn, account }, value: undefined };
  }
  const code = element("Code");
  if (code === undefined || status >= 500) return unknownIdentity(`${url.host} answered HTTP ${status}`);
  throw failedStep(`STS refuses the credentials (${code}): renew them, or correct them in their configuration`);
}

function unknownIdentity(detail: string): CheckResult<undefined> {
  return { detail, warning: "check the network path to STS, if you need it: signing does not", value: undefined };
}

/** STS of the Region; undefined where KMS's endpoint is not AWS's own, and so STS's is not known either. */
export function stsEndpoint(region: string, kmsEndpoint: string): string | undefined {
  const given = process.env["AWS_ENDPOINT_URL_STS"];
  if (given) return given;
  const [, suffix] = /\.(amazonaws\.com(?:\.cn)?)$/.exec(new URL(kmsEndpoint).hostname) ?? [];
  return suffix === undefined ? undefined : `https://sts.${region}.${suffix}/`;
}
