import type { CloudTrailSign } from "../audit/cloudtrail.ts";
import type { AuditedSign, Reconciliation } from "../audit/reconcile.ts";
import type { AuditFault, AuditLine, AuditReport } from "../audit/verify.ts";

/** What `audit verify` found, for people. */
export function describeReport({ files, faults, unfinished }: AuditReport): string[] {
  const lines = files.map(({ name, lines, isClosed, signed }) => {
    const end = isClosed ? "closed" : "not closed: still written, ended without close(), or cut off";
    return `${name}: ${lines.length} lines, ${end}${signed > 0 ? `; signed up to line ${signed}` : ""}`;
  });
  const open = unfinished.map(({ file, seq, ...intent }) => {
    return `perhaps signed: ${file} line ${seq}, an intent without an outcome, ${describeRequest(intent)}`;
  });
  return [...lines, ...open, ...faultLines(faults)];
}

/** What the log says, a line for each entry. */
export function describeEntries({ files, faults }: AuditReport): string[] {
  const lines = files.flatMap(({ lines }) => lines.flatMap((line) => describeLine(line)));
  return [...lines, ...faultLines(faults)];
}

function describeLine(line: AuditLine): string[] {
  const { event, id, time, result, code, policy, keyId } = line;
  const text = `${String(time)}  ${event.padEnd(7)}  ${String(id).slice(0, 8)}`;
  if (event === "outcome") return [`${text}  ${String(result)}${code ? ` (${String(code)})` : ""}`];
  if (event !== "intent" && event !== "denial") return [];
  const { rule } = (policy ?? {}) as { readonly rule?: unknown };
  const decided = rule ? `, by the rule ${String(rule)}` : "";
  return [`${text}  ${describeRequest(line)} with ${String(keyId)}${code ? ` (${String(code)})` : ""}${decided}`];
}

function describeRequest({ request }: Readonly<Record<string, unknown>>): string {
  const { kind, account, digest, chainId, nonce, to, value, primaryType } = (request ?? {}) as Record<string, unknown>;
  const parts: Readonly<Record<string, unknown>> = { account, digest, chainId, nonce, to, value, primaryType };
  const known = Object.entries(parts).filter(([, part]) => part !== undefined && part !== null);
  return `${String(kind)} ${known.map(([name, part]) => `${name}=${String(part)}`).join(" ")}`;
}

/** What `audit reconcile` found, for people. */
export function describeReconciliation(
  { faults }: AuditReport,
  { matched, explained, foreign, unknown, unchecked }: Reconciliation,
): string[] {
  return [
    `${matched} uses of the key are in the log and in CloudTrail`,
    ...explained.map(({ sign, by }) => `retry: ${describeUse(sign)}; the log lost a response of ${describeSign(by)}`),
    ...(unchecked > 0
      ? [`${unchecked} signatures of the log are outside of the events' time, or have no request id`]
      : []),
    ...foreign.map((sign) => `NOT IN THE LOG: ${describeUse(sign)}`),
    ...unknown.map((sign) => `NOT IN CLOUDTRAIL: ${describeSign(sign)}`),
    ...faultLines(faults),
  ];
}

function describeUse({ requestId, time, keyArn, principal, sourceIp }: CloudTrailSign): string {
  return `${new Date(time).toISOString()} request ${requestId}, ${keyArn} used by ${principal} from ${sourceIp}`;
}

function describeSign({ file, line, digest, keyId }: AuditedSign): string {
  return `${file} line ${line}, digest ${digest} with ${keyId}`;
}

function faultLines(faults: readonly AuditFault[]): string[] {
  return faults.map(({ file, line, fault }) => `FAULT: ${file === "" ? "" : `${file} line ${line} `}${fault}`);
}
