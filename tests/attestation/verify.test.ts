import { createHash, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { id } from "ethers";
import { GOOGLE_ROOTS, MARVELL_ROOTS, verifyAttestation } from "../../src/attestation/index.ts";
import type { AttestationResult, AttestationStep, KeyAttestation } from "../../src/index.ts";
import { cases } from "../support/cases.ts";
import { type Attributes, publicKeyOf, type StatementChanges, TestHsm } from "./hsm.ts";

const PUBLIC_KEY = publicKeyOf(id("the account"));
const GOOGLE_NAME = "projects/acme/locations/europe-west1/keyRings/eth/cryptoKeys/treasury/cryptoKeyVersions/1";
const AZURE_NAME = "https://acme.managedhsm.azure.net/keys/treasury/0123456789abcdef0123456789abcdef";
// All bytes in `npm run test:all`; in `npm test` some of each region.
const STRIDE = cases(1, 17);
const YEAR = 365 * 24 * 3_600_000;

let hsm: TestHsm;

beforeAll(() => {
  hsm = new TestHsm();
});

const google = (changes?: StatementChanges) => hsm.attestGoogle(PUBLIC_KEY, GOOGLE_NAME, changes);
const check = (evidence: KeyAttestation, publicKey = PUBLIC_KEY) => verifyAttestation(evidence, publicKey, hsm.roots);
const stepOf = (result: AttestationResult) => (result.status === "refused" ? result.step : result.status);
const set = (type: number, value: Buffer) => (attributes: Attributes) => void attributes.set(type, value);
const [NO, YES] = [Buffer.from([0]), Buffer.from([1])];
const imported = (attributes: Attributes) => {
  for (const type of [0x0163, 0x0164, 0x0165]) attributes.set(type, NO);
};

/** The same evidence, its decompressed statement changed without a new signature. */
function altered(evidence: KeyAttestation, change: (statement: Buffer) => Buffer): KeyAttestation {
  const statement = change(gunzipSync(Buffer.from(evidence.statement, "base64")));
  return { ...evidence, statement: gzipSync(statement).toString("base64") };
}

describe("what a genuine attestation proves", () => {
  test("Google: both chains, and what the private half's attributes say", () => {
    expect(check(google())).toEqual({
      ...{ status: "verified", hsm: "CN=HSM:PARTN:1", owner: "CN=Owner" },
      findings: [
        expect.objectContaining({ property: "hardware", value: true, source: "attestation" }),
        expect.objectContaining({ property: "generatedInside", value: true }),
        expect.objectContaining({ property: "importedMaterial", value: false }),
        expect.objectContaining({ property: "neverExtractable", value: true }),
        expect.objectContaining({ property: "exportable", value: false }),
      ],
    });
  });

  test("Azure: Marvell alone, since no root of Microsoft's is published; with one that is passed, the owner too", () => {
    const evidence = hsm.attestAzure(PUBLIC_KEY, AZURE_NAME);
    const result = verifyAttestation(evidence, PUBLIC_KEY, hsm.manufacturerRoot);
    expect(result).toMatchObject({ status: "verified", owner: undefined });
    expect(stepOf(check(evidence))).toBe("owner");
    const owned = { ...evidence, certificates: evidence.certificates + hsm.certificates.ownerPartition };
    expect(check(owned)).toMatchObject({ status: "verified", owner: "CN=Owner" });
  });

  test.each<[string, StatementChanges, object]>([
    [
      "an imported key",
      { privatePart: imported },
      { generatedInside: false, importedMaterial: true, neverExtractable: false, exportable: false },
    ],
    ["an extractable key", { privatePart: set(0x0162, YES) }, { exportable: true }],
    ["a key that is not sensitive", { privatePart: set(0x0103, NO) }, { exportable: true }],
    ["a key that was extractable once", { privatePart: set(0x0164, NO) }, { neverExtractable: false }],
    ["one part alone", { parts: ([, half]) => [half as Attributes] }, { neverExtractable: true }],
    ["the private half before the public", { parts: ([a, b]) => [b, a] as Attributes[] }, { exportable: false }],
  ])("%s", (_name, changes, expected) => {
    const result = check(google(changes));
    const findings = result.status === "verified" ? result.findings : [];
    expect(Object.fromEntries(findings.map(({ property, value }) => [property, value]))).toMatchObject(expected);
  });

  test("a real attestation of Google's, with the real roots: of a P-256 key, and so of no account", () => {
    const path = new URL("google-p256.json", import.meta.url);
    const { statement, certificates } = JSON.parse(readFileSync(path, "utf8")) as KeyAttestation;
    const evidence = { format: "marvell", service: "gcp-kms", keyName: GOOGLE_NAME, statement, certificates } as const;
    const now = new Date("2026-11-30");
    const result = verifyAttestation(evidence, PUBLIC_KEY, { now });
    expect(result).toEqual({ status: "refused", step: "public-key", reason: expect.stringContaining("EKCV") });
    expect(stepOf(verifyAttestation(evidence, PUBLIC_KEY, { ...hsm.manufacturerRoot, now }))).toBe("manufacturer");
    const { ownerRoots } = hsm.roots;
    expect(stepOf(verifyAttestation(evidence, PUBLIC_KEY, { ownerRoots, now }))).toBe("owner");
  });

  test("the pinned roots are the published ones", () => {
    const hashes = [...MARVELL_ROOTS, ...GOOGLE_ROOTS].map((pem) => {
      const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
      return createHash("sha256").update(der).digest("hex");
    });
    expect(hashes).toEqual([
      "78adcba1f38bee304bc44d6a086503f2940037d4b3d58a1bf66a3282ef58cd41",
      "f84b0610f2ca68f1f936c12c37a22794b59a2afa54f55f8d3c977232c5b97d7c",
      "11fa0c80423f28ee497a189bed4f7043629be7a7642d20eee9347a73c1ff46e8",
    ]);
  });
});

describe("what is refused, and named", () => {
  const outside = generateKeyPairSync("rsa", { modulusLength: 2048 });

  test("any byte of the statement that was changed", () => {
    const evidence = google();
    const { length } = gunzipSync(Buffer.from(evidence.statement, "base64"));
    const steps = new Map<string, number>();
    for (let index = 0; index < length; index += STRIDE) {
      const flipped = altered(evidence, (statement) => {
        statement[index] = (statement[index] ?? 0) ^ 0x41;
        return statement;
      });
      const step = stepOf(check(flipped));
      steps.set(step, (steps.get(step) ?? 0) + 1);
    }
    // Lengths and counts that no longer fit, or else the signature.
    expect([...steps.keys()].sort()).toEqual(["format", "signature"]);
  });

  test("any byte of a certificate that was changed", () => {
    const evidence = google();
    for (const pem of Object.values(hsm.certificates)) {
      const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
      for (let index = 0; index < der.length; index += STRIDE) {
        const bytes = Buffer.from(der);
        bytes[index] = (bytes[index] ?? 0) ^ 0x41;
        const certificates = evidence.certificates.replace(
          pem,
          `-----BEGIN CERTIFICATE-----\n${bytes.toString("base64")}\n-----END CERTIFICATE-----\n`,
        );
        expect(["certificates", "signature", "manufacturer", "owner"]).toContain(
          stepOf(check({ ...evidence, certificates })),
        );
      }
    }
  });

  test.each<[string, AttestationStep, (evidence: KeyAttestation) => KeyAttestation]>([
    ["another format", "format", (evidence) => ({ ...evidence, format: "tpm" as "marvell" })],
    ["text that is not base64", "format", (evidence) => ({ ...evidence, statement: "…" })],
    ["an empty statement", "format", (evidence) => ({ ...evidence, statement: "" })],
    ["damaged gzip", "format", (evidence) => ({ ...evidence, statement: evidence.statement.slice(0, 400) })],
    [
      "a statement that decompresses to a gigabyte",
      "format",
      (evidence) => ({ ...evidence, statement: gzipSync(Buffer.alloc(10_000_000)).toString("base64") }),
    ],
    ["a truncated statement", "format", (evidence) => altered(evidence, (bytes) => bytes.subarray(0, -1))],
    ["a longer statement", "format", (evidence) => altered(evidence, (bytes) => Buffer.concat([bytes, bytes]))],
    ["no certificates", "certificates", (evidence) => ({ ...evidence, certificates: "" })],
    [
      "nine certificates",
      "certificates",
      (evidence) => ({ ...evidence, certificates: hsm.certificates.card.repeat(9) }),
    ],
    [
      "a certificate that belongs to no chain",
      "certificates",
      (evidence) => {
        const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
        return { ...evidence, certificates: evidence.certificates + hsm.certify("Other", "Other", keys, keys) };
      },
    ],
    ["no certificate of the partition", "signature", (evidence) => without(evidence, "partition", "ownerPartition")],
    ["no card certificate", "manufacturer", (evidence) => without(evidence, "card")],
    ["no owner certificate of the card", "owner", (evidence) => without(evidence, "ownerCard")],
    ["no owner certificate of the partition", "owner", (evidence) => without(evidence, "ownerPartition")],
    ["another key's name", "name", (evidence) => ({ ...evidence, keyName: `${GOOGLE_NAME}0` })],
    ["a date that is none", "validity", (evidence) => ({ ...evidence, madeAt: "yesterday" })],
  ])("%s", (_name, step, change) => {
    expect(check(change(google()))).toMatchObject({ status: "refused", step, reason: expect.any(String) });
  });

  function without(evidence: KeyAttestation, ...names: (keyof TestHsm["certificates"])[]): KeyAttestation {
    const certificates = names.reduce((all, name) => all.replace(hsm.certificates[name], ""), evidence.certificates);
    return { ...evidence, certificates };
  }

  test.each<[string, AttestationStep, StatementChanges]>([
    ["a key outside the HSM signed", "signature", { signedBy: outside.privateKey }],
    ["the public half alone", "attributes", { parts: ([half]) => [half as Attributes] }],
    ["two private halves", "attributes", { publicPart: set(0x0000, Buffer.from([3])) }],
    ["an RSA key", "attributes", { privatePart: set(0x0100, NO) }],
    ["a flag that is missing", "attributes", { privatePart: (attributes) => void attributes.delete(0x0164) }],
    ["a flag that is neither 0 nor 1", "attributes", { privatePart: set(0x0162, Buffer.from([2])) }],
    ["a flag of two bytes", "attributes", { privatePart: set(0x0163, Buffer.alloc(2)) }],
    ["another EKCV", "public-key", { privatePart: set(0x1003, Buffer.alloc(32)) }],
    ["no EKCV", "public-key", { privatePart: (attributes) => void attributes.delete(0x1003) }],
    ["another EKCV of the public half", "public-key", { publicPart: set(0x1003, Buffer.alloc(32)) }],
    ["another point", "public-key", { privatePart: set(0x0120, Buffer.from(publicKeyOf(id("another")))) }],
    ["another name", "name", { privatePart: set(0x0102, Buffer.alloc(128)) }],
    ["a response code", "format", { bytes: (bytes) => changed(bytes, 0, 1) }],
    ["data that begins before the header ends", "format", { bytes: (bytes) => changed(bytes, 12, bytes.length) }],
    ["a part that begins in the info header", "format", { bytes: (bytes) => changed(bytes, 36, 0x0007_0000) }],
    ["a part that says another size", "format", { bytes: (bytes) => changed(bytes, 48, 1) }],
    ["a part with a million attributes", "format", { bytes: (bytes) => changed(bytes, 44, 1_000_000) }],
    ["an attribute that is longer than the rest", "format", { bytes: (bytes) => changed(bytes, 56, 0xffff_ffff) }],
    ["an attribute that is there twice", "format", { bytes: (bytes) => changed(bytes, 61, 0) }],
  ])("a signed statement with %s", (_name, step, changes) => {
    expect(check(google(changes))).toMatchObject({ status: "refused", step });
  });

  function changed(bytes: Buffer, offset: number, value: number): Buffer {
    bytes.writeUInt32BE(value, offset);
    return bytes;
  }

  test("another account's public key", () => {
    expect(stepOf(check(google(), publicKeyOf(id("another account"))))).toBe("public-key");
    const swapped = hsm.attestGoogle(publicKeyOf(id("another account")), GOOGLE_NAME);
    expect(stepOf(check(swapped))).toBe("public-key");
  });

  test("Azure: another key, and another version of it", () => {
    const evidence = hsm.attestAzure(PUBLIC_KEY, AZURE_NAME);
    const { length } = AZURE_NAME;
    const names = [AZURE_NAME.replace("treasury", "other"), `${AZURE_NAME.slice(0, length - 1)}0`];
    for (const keyName of names) {
      const result = verifyAttestation({ ...evidence, keyName }, PUBLIC_KEY, hsm.manufacturerRoot);
      expect(stepOf(result)).toBe("name");
    }
  });

  test("certificates that had expired before the key was made, or have not begun; not those that expired since", () => {
    const [past, future] = [new Date(Date.now() - 2 * YEAR), new Date(Date.now() + YEAR)];
    const dated = (from: Date, to: Date, madeAt?: Date) => {
      const card = hsm.certify("HSM", "Maker", hsm.card, hsm.manufacturer, from, to);
      const evidence = google();
      const certificates = evidence.certificates.replace(hsm.certificates.card, card);
      return stepOf(check({ ...evidence, certificates, madeAt: madeAt?.toISOString() }));
    };
    const lastYear = new Date(Date.now() - YEAR);
    expect(dated(past, lastYear)).toBe("validity");
    expect(dated(past, lastYear, new Date(Date.now() - YEAR / 2))).toBe("validity");
    expect(dated(past, lastYear, new Date(Date.now() - 1.5 * YEAR))).toBe("verified");
    expect(dated(future, new Date(Date.now() + 2 * YEAR))).toBe("validity");
  });

  test("a root that cannot be read is the caller's mistake", () => {
    expect(() => verifyAttestation(google(), PUBLIC_KEY, { ownerRoots: ["not PEM"] })).toThrow();
  });
});
