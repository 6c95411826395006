import { KeyClient, type KeyClientOptions } from "@azure/keyvault-keys";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress } from "ethers";
import { verifyAttestation } from "../../src/attestation/index.ts";
import { KmsSigner } from "../../src/aws-kms/index.ts";
import { AzureKeyVaultSigner, type AzureKeyVaultSignerOptions } from "../../src/azure-key-vault/index.ts";
import { GcpKmsSigner } from "../../src/gcp-kms/index.ts";
import type { AttestationVerifier, CustodyReport } from "../../src/index.ts";
import { publicKeyOf, TestHsm } from "../attestation/hsm.ts";
import { startKms } from "../aws-kms/support.ts";
import {
  signerFor as azureSigner,
  KEY_NAME,
  optionsFor,
  PRIVATE_KEY,
  type StaticCredential,
  startServer as startVault,
} from "../azure-key-vault/setup.ts";
import { KEY, startServer as startGcpKms, TRANSPORTS, VERSION, wayTo } from "../gcp-kms/setup.ts";

const PUBLIC_KEY = publicKeyOf(PRIVATE_KEY);
const ADDRESS = computeAddress(PRIVATE_KEY);
const DIGEST = `0x${"02".repeat(32)}`;

/** value by property; of several findings about one, the last. */
function valuesOf({ findings }: CustodyReport): Record<string, unknown> {
  return Object.fromEntries(findings.map(({ property, value }) => [property, value]));
}

describe("AWS KMS: AWS's word alone", () => {
  test("a key that KMS generated, one that was imported, and a Multi-Region key", async () => {
    const { server, key, options } = await startKms();
    const signer = new KmsSigner(options());
    const report = await signer.custody();
    expect(report).toMatchObject({ backend: "aws-kms", level: "claimed-hsm", address: await signer.getAddress() });
    expect(report.findings.every(({ source }) => source === "api")).toBe(true);
    const generated = { hardware: true, generatedInside: true, importedMaterial: false, neverExtractable: true };
    expect(valuesOf(report)).toEqual({ ...generated, exportable: false, replicated: false });
    expect(server.count("DescribeKey")).toBe(1);
    expect(JSON.parse(JSON.stringify(report))).toEqual(JSON.parse(JSON.stringify({ ...report })));

    Object.assign(key, { origin: "EXTERNAL" });
    const imported = { generatedInside: false, importedMaterial: true, neverExtractable: false, exportable: false };
    expect(valuesOf(await signer.custody())).toMatchObject(imported);
    Object.assign(key, { origin: "EXTERNAL_KEY_STORE" });
    expect(await signer.custody()).toMatchObject({ level: "unknown" });
    const { keyId } = server.ring.importKey(PRIVATE_KEY, { multiRegion: true });
    const multiRegion = new KmsSigner(options({ keyId }));
    expect(valuesOf(await multiRegion.custody())).toMatchObject({ replicated: true });
    for (const each of [signer, multiRegion]) await each.close();
    await server.close();
  });

  test("without kms:DescribeKey the permission is named, and signing goes on", async () => {
    const { server, options } = await startKms();
    const signer = new KmsSigner(options());
    server.faults.add({ kind: "exception", name: "AccessDeniedException" }, { operation: "DescribeKey" });
    await expect(signer.custody()).rejects.toMatchObject({
      ...{ code: "ACCESS_DENIED", operation: "custody" },
      message: expect.stringContaining("kms:DescribeKey"),
    });
    await signer.signDigest(DIGEST);
    await signer.close();
    await server.close();
  });
});

describe("Azure", () => {
  let hsm: TestHsm;

  beforeAll(() => {
    hsm = new TestHsm();
  });

  async function start(kty: "EC" | "EC-HSM", options: AzureKeyVaultSignerOptions = {}) {
    const server = await startVault();
    server.vault.delete(KEY_NAME);
    const version = server.vault.put(KEY_NAME, { privateKey: PRIVATE_KEY, kty });
    const signer = azureSigner(server, options);
    const verify: AttestationVerifier = (evidence, publicKey) =>
      verifyAttestation(evidence, publicKey, hsm.manufacturerRoot);
    const close = async () => {
      await signer.close();
      await server.close();
    };
    return { server, version, signer, verify, close };
  }

  test("a key in software, and one in a vault's hardware: the properties say nothing of its origin", async () => {
    const software = await start("EC");
    const report = await software.signer.custody({ verifyAttestation: software.verify });
    expect(report).toMatchObject({ level: "claimed-software", attestation: undefined, evidence: undefined });
    expect(software.server.count("attestKey")).toBe(0);
    await software.close();

    const vault = await start("EC-HSM");
    vault.version.moreAttributes = { hsmPlatform: "2" };
    const hardware = await vault.signer.custody({ verifyAttestation: vault.verify });
    expect(hardware).toMatchObject({ level: "claimed-hsm", attestation: undefined });
    const unknown = { generatedInside: "unknown", importedMaterial: "unknown", neverExtractable: "unknown" };
    expect(valuesOf(hardware)).toEqual({ hardware: true, exportable: false, replicated: "unknown", ...unknown });
    expect(vault.server.count("attestKey")).toBe(1);
    vault.version.moreAttributes = { exportable: true };
    expect(valuesOf(await vault.signer.custody())).toMatchObject({ exportable: true, neverExtractable: false });
    await vault.close();
  });

  test("a Managed HSM's attestation, verified to the manufacturer", async () => {
    const { server, version, signer, verify, close } = await start("EC-HSM");
    const evidence = hsm.attestAzure(PUBLIC_KEY, server.kid(KEY_NAME, version));
    const base64url = (bytes: Buffer) => bytes.toString("base64url");
    version.attestation = {
      certificatePemFile: base64url(Buffer.from(evidence.certificates)),
      privateKeyAttestation: base64url(Buffer.from(evidence.statement, "base64")),
      version: "MRVL-1",
    };
    expect(await signer.custody()).toMatchObject({ level: "claimed-hsm", attestation: { status: "unchecked" } });
    const report = await signer.custody({ verifyAttestation: verify });
    expect(report).toMatchObject({ level: "proven-hsm", attestation: { status: "verified", owner: undefined } });
    expect(valuesOf(report)).toMatchObject({ generatedInside: true, neverExtractable: true, exportable: false });
    await close();
  });

  test("a page in the service's place is not a vault without attestations; a denial names keys/get", async () => {
    const { server, signer, close } = await start("EC-HSM");
    const page = { status: 404, headers: { "content-type": "text/html" }, body: "<html>Not here</html>" };
    server.faults.add({ kind: "reply", reply: page }, { operation: "attestKey", times: 1 });
    await expect(signer.custody()).rejects.toMatchObject({ code: "BACKEND_RESPONSE_INVALID", operation: "custody" });
    const headers = { "content-type": "application/json" };
    const denied = { status: 403, headers, body: JSON.stringify({ error: { code: "Forbidden", message: "no" } }) };
    server.faults.add({ kind: "reply", reply: denied }, { operation: "attestKey", times: 1 });
    await expect(signer.custody()).rejects.toMatchObject({
      ...{ code: "ACCESS_DENIED", message: expect.stringMatching(/getKeyAttestation.*grant keys\/get/) },
    });
    await close();
  });

  test("a client of the caller's that has no attestations", async () => {
    const { server, signer, close } = await start("EC-HSM");
    const { vaultUrl, credential, keyName, ...rest } = optionsFor(server);
    const client = new KeyClient(String(vaultUrl), credential as StaticCredential, rest as KeyClientOptions);
    Object.assign(client, { getKeyAttestation: undefined });
    const old = new AzureKeyVaultSigner({ client, keyName });
    expect(await old.custody()).toMatchObject({ level: "claimed-hsm", attestation: undefined });
    for (const each of [old, signer]) await each.close();
    await close();
  });
});

describe("Google Cloud KMS", () => {
  let hsm: TestHsm;
  let server: Awaited<ReturnType<typeof startGcpKms>>;

  beforeAll(async () => {
    hsm = new TestHsm();
    server = await startGcpKms({ grpc: true });
  });

  afterAll(() => server.close());

  function attest(certificates = hsm.certificates): void {
    const { statement } = hsm.attestGoogle(PUBLIC_KEY, VERSION);
    const { card, partition, ownerCard, ownerPartition } = certificates;
    const certChains = {
      ...{ caviumCerts: [card, partition], googleCardCerts: [ownerCard], googlePartitionCerts: [ownerPartition] },
    };
    server.rings.version(VERSION).attestation = { format: "CAVIUM_V2_COMPRESSED", content: statement, certChains };
  }

  const verify: AttestationVerifier = (evidence, publicKey) => verifyAttestation(evidence, publicKey, hsm.roots);

  test.each(TRANSPORTS)("the attestation of a generated key, by %s", async (transport) => {
    attest();
    const signer = new GcpKmsSigner({ ...wayTo(server, transport), keyVersion: VERSION });
    const report = await signer.custody({ verifyAttestation: verify });
    expect(report).toMatchObject({
      ...{ backend: "gcp-kms", keyId: VERSION, address: ADDRESS, level: "proven-hsm" },
      attestation: { status: "verified", hsm: "CN=HSM:PARTN:1", owner: "CN=Owner" },
      evidence: { format: "marvell", service: "gcp-kms", keyName: VERSION },
    });
    expect(Date.parse(String(report.evidence?.madeAt))).toBe(Date.parse("2026-11-01"));
    const proven = { hardware: true, generatedInside: true, importedMaterial: false, neverExtractable: true };
    expect(valuesOf(report)).toEqual({ ...proven, exportable: false, replicated: "unknown" });
    // What is saved can be verified again.
    const { evidence } = JSON.parse(JSON.stringify(report)) as Required<CustodyReport>;
    expect(verify(evidence as NonNullable<CustodyReport["evidence"]>, PUBLIC_KEY).status).toBe("verified");
    await signer.close();
  });

  test("a statement that does not hold is worse than none", async () => {
    attest(new TestHsm().certificates);
    const signer = new GcpKmsSigner({ ...wayTo(server), keyVersion: VERSION });
    const report = await signer.custody({ verifyAttestation: verify });
    expect(report).toMatchObject({ level: "unknown", attestation: { status: "refused", step: "signature" } });
    await signer.close();
  });

  test("no attestation; an imported key; a level whose keys may be exported", async () => {
    const version = server.rings.version(VERSION);
    version.attestation = undefined;
    const signer = new GcpKmsSigner({ ...wayTo(server), keyVersion: VERSION });
    expect(await signer.custody()).toMatchObject({ level: "claimed-hsm", attestation: undefined });
    version.importJob = `${KEY}/importJobs/job`;
    const imported = { importedMaterial: true, generatedInside: false, neverExtractable: false };
    expect(valuesOf(await signer.custody())).toMatchObject(imported);
    Object.assign(version, { protectionLevel: "HSM_SINGLE_TENANT" });
    expect(valuesOf(await signer.custody())).toMatchObject({ hardware: true, exportable: "unknown" });
    Object.assign(version, { protectionLevel: "HSM", importJob: undefined });
    await signer.close();
  });

  test("requireCustody: nothing is signed by a key that does not meet it", async () => {
    attest();
    const options = { ...wayTo(server), keyVersion: VERSION };
    const wanted = {
      level: "proven-hsm",
      generatedInside: true,
      exportable: false,
      verifyAttestation: verify,
    } as const;
    const proven = new GcpKmsSigner({ ...options, requireCustody: wanted });
    await proven.signDigest(DIGEST);
    const before = server.count("getCryptoKeyVersion");
    await proven.signDigest(DIGEST);
    expect(server.count("getCryptoKeyVersion")).toBe(before);
    const real = new GcpKmsSigner({ ...options, requireCustody: { ...wanted, verifyAttestation } });
    const signed = server.count("asymmetricSign");
    await expect(real.signDigest(DIGEST)).rejects.toMatchObject({
      ...{ code: "KEY_UNUSABLE", retryable: false, keyId: VERSION },
      message: expect.stringContaining(
        "level is unknown instead of proven-hsm (the certificates do not lead to a root",
      ),
      info: { level: "unknown", attestation: { step: "manufacturer" } },
    });
    expect(server.count("asymmetricSign")).toBe(signed);
    for (const each of [proven, real]) await each.close();
  });
});
