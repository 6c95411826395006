import { getBytes } from "ethers";
import { type VerifyAttestationOptions, verifyAttestation } from "../../attestation/verify.ts";
import {
  type AttestationVerifier,
  type CustodyReport,
  type CustodyRequirement,
  checkRequirement,
  unmetRequirements,
} from "../../signer/custody.ts";
import { type Command, KEY_OPTIONS } from "../command.ts";
import type { Context } from "../context.ts";
import { readCustodyBundle } from "../custody-bundle.ts";
import { requireUsage } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { withSigner } from "../keys.ts";

export const custody: Command = {
  name: "custody",
  summary: "show where a private key is kept, and what proves it",
  details: [
    "Shows what the backend states about the key's protection, who states it, and, where an HSM signed a statement about the",
    "key (Google Cloud KMS, Azure Managed HSM), whether that holds. Keep the output of --json: --bundle verifies its statement",
    "later, without the cloud and without credentials. Exit code 1 says that a statement was refused, or that --require is not met.",
  ],
  options: {
    ...KEY_OPTIONS,
    bundle: {
      type: "string",
      value: "FILE",
      help: "verify the statement in a saved report, in place of --key; - for stdin",
    },
    address: { type: "string", value: "ADDRESS", help: "the account that the key must be" },
    require: { type: "string", value: "LIST", help: "what must hold: proven-hsm,neverExtractable,exportable=false" },
    "manufacturer-root": {
      type: "string",
      value: "FILE",
      help: "PEM of the manufacturer's root, in place of Marvell's",
    },
    "owner-root": { type: "string", value: "FILE", help: "PEM of the root by which the HSM's owner certifies it" },
  },
  examples: [
    "custody --key gcp-kms:projects/acme/locations/europe-west1/keyRings/eth/cryptoKeys/treasury/cryptoKeyVersions/1",
    "custody --json --require claimed-hsm,importedMaterial=false > treasury.json   # with the key of ETHERS_HSM_KEY",
    "custody --bundle treasury.json --require proven-hsm,neverExtractable,generatedInside",
  ],
  run: async (context) => {
    const verify = await readVerifier(context);
    const required = readRequirement(context.text("require"));
    const report = await readReport(context, verify);
    const expected = context.text("address");
    const missing = [
      ...(required ? unmetRequirements(report, required) : []),
      ...(expected === undefined || expected.toLowerCase() === report.address.toLowerCase()
        ? []
        : [`its account is ${report.address} instead of ${expected}`]),
    ];
    const refused = [report, ...(report.replicas ?? [])].some(({ attestation }) => attestation?.status === "refused");
    const ok = missing.length === 0 && !refused;
    context.result({ ok, missing, ...report }, linesOf(report, missing));
    return ok ? EXIT.ok : EXIT.failedCheck;
  },
};

async function readReport(context: Context, verify: AttestationVerifier): Promise<CustodyReport> {
  const bundle = context.text("bundle");
  if (bundle === undefined) return withSigner(context, null, (signer) => signer.custody({ verifyAttestation: verify }));
  requireUsage(context.text("key") === undefined, "--bundle needs no key: leave --key out");
  const saved = readCustodyBundle(await context.read(bundle, "--bundle"));
  const attestation = verify(saved.evidence, getBytes(saved.publicKey));
  const verified = attestation.status === "verified";
  // What the backend claimed is not repeated: nothing in a file vouches for it.
  return {
    ...saved,
    level: verified ? "proven-hsm" : "unknown",
    findings: verified ? attestation.findings : [],
    attestation,
  };
}

async function readVerifier(context: Context): Promise<AttestationVerifier> {
  const read = async (option: string) => {
    const file = context.text(option);
    if (file === undefined) return undefined;
    const pem = await context.read(file, `--${option}`);
    requireUsage(
      /-----BEGIN (?:CERTIFICATE|PUBLIC KEY)-----/.test(pem),
      `the file of --${option} is not PEM of a certificate or a public key`,
    );
    return [pem];
  };
  const options: VerifyAttestationOptions = {
    manufacturerRoots: await read("manufacturer-root"),
    ownerRoots: await read("owner-root"),
  };
  return (evidence, publicKey) => verifyAttestation(evidence, publicKey, options);
}

/** `proven-hsm,neverExtractable,exportable=false` @throws CommandError USAGE. */
function readRequirement(list: string | undefined): CustodyRequirement | undefined {
  if (list === undefined) return undefined;
  const entries = list.split(",").map((item): [string, unknown] => {
    if (item === "claimed-hsm" || item === "proven-hsm") return ["level", item];
    const [, name = "", value = "true"] = /^([A-Za-z]+)(?:=(true|false))?$/.exec(item) ?? [];
    requireUsage(name !== "", "--require must be a list of levels and properties, such as proven-hsm,exportable=false");
    return [name, value === "true"];
  });
  // The verifier is passed to custody() itself.
  return checkRequirement({ ...Object.fromEntries(entries), verifyAttestation });
}

function linesOf(report: CustodyReport, missing: readonly string[]): string[] {
  const { attestation, findings, replicas = [] } = report;
  const rows = findings.map(({ property, value, source, reason }) => {
    return `  ${property.padEnd(16)}  ${String(value).padEnd(7)}  ${source.padEnd(11)}  ${reason}`;
  });
  return [
    `${report.level}  ${report.address}  ${report.keyId}`,
    ...(replicas.length > 0 ? replicas.flatMap((each) => linesOf(each, []).map((line) => `  ${line}`)) : rows),
    ...(attestation ? [describe(attestation)] : []),
    ...missing.map((each) => `NOT met: ${each}`),
  ];
}

function describe(attestation: NonNullable<CustodyReport["attestation"]>): string {
  if (attestation.status !== "verified") return `attestation ${attestation.status}: ${attestation.reason}`;
  const { hsm, owner } = attestation;
  return `attestation verified: signed by ${hsm}; ${owner === undefined ? "whose HSM it is, is not proven" : `certified by ${owner}`}`;
}
