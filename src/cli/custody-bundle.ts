import { computeAddress, isHexString } from "ethers";
import { parseJson } from "../eip1193/json.ts";
import type { KeyAttestation } from "../signer/custody.ts";
import { CommandError, requireUsage } from "./errors.ts";

/** What is read of a saved report of `ethers-hsm custody --json`. */
export interface CustodyBundle {
  readonly backend: string;
  readonly keyId: string;
  /** Of the public key. */
  readonly address: string;
  readonly publicKey: string;
  readonly evidence: KeyAttestation;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws CommandError USAGE if the file has another form, or no statement. */
export function readCustodyBundle(text: string): CustodyBundle {
  const report = fieldsOf(parse(text), "the bundle");
  const { publicKey } = report;
  requireUsage(isHexString(publicKey, 65), "the bundle's publicKey must be 65 bytes as hex");
  const { evidence: given } = report;
  requireUsage(given !== undefined, "the bundle has no evidence: its backend offers no attestation");
  const { format, service, madeAt, ...evidence } = fieldsOf(given, "evidence");
  requireUsage(format === "marvell", "the bundle's evidence.format must be marvell");
  requireUsage(
    service === "gcp-kms" || service === "azure-key-vault",
    "the bundle's evidence.service must be gcp-kms or azure-key-vault",
  );
  return {
    backend: textOf(report, "backend"),
    keyId: textOf(report, "keyId"),
    publicKey,
    address: addressOf(publicKey),
    evidence: {
      ...{ format, service, keyName: textOf(evidence, "keyName"), statement: textOf(evidence, "statement") },
      certificates: textOf(evidence, "certificates"),
      madeAt: madeAt === undefined ? undefined : textOf({ madeAt }, "madeAt"),
    },
  };
}

function parse(text: string): unknown {
  try {
    return parseJson(text, "the bundle");
  } catch (error) {
    throw new CommandError("USAGE", (error as Error).message);
  }
}

function fieldsOf(value: unknown, what: string): Fields {
  requireUsage(typeof value === "object" && value !== null && !Array.isArray(value), `${what} must be a JSON object`);
  return value as Fields;
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  requireUsage(typeof value === "string", `the bundle's ${name} must be a string`);
  return value;
}

function addressOf(publicKey: string): string {
  try {
    return computeAddress(publicKey);
  } catch {
    throw new CommandError("USAGE", "the bundle's publicKey is not a point of secp256k1");
  }
}
