import { describe, expect, jest, test } from "@jest/globals";
import { computeAddress, id } from "ethers";
import type { AttestationResult, CustodyFinding, CustodyRequirement } from "../../src/index.ts";
import { FailoverKey, type KeyAttestation, type KeyCustody, RemoteSigner } from "../../src/index.ts";
import { MemoryKey } from "../support/memory-key.ts";

const PRIVATE_KEY = id("an account");
const ADDRESS = computeAddress(PRIVATE_KEY);
const DIGEST = id("a digest");
const EVIDENCE: KeyAttestation = {
  ...{ format: "marvell", service: "gcp-kms", keyName: "key", statement: "AA==", certificates: "" },
};

/** A key whose backend states this. */
class StatedKey extends MemoryKey {
  asked = 0;

  constructor(
    readonly stated: KeyCustody,
    privateKey = PRIVATE_KEY,
  ) {
    super(privateKey);
  }

  async custody(): Promise<KeyCustody> {
    this.asked += 1;
    return this.stated;
  }
}

const claim = (property: CustodyFinding["property"], value: CustodyFinding["value"]): CustodyFinding => {
  return { property, value, source: "api", reason: `${property} as stated` };
};
const HARDWARE: KeyCustody = { findings: [claim("hardware", true), claim("exportable", false)] };
const proven: AttestationResult = {
  ...{ status: "verified", hsm: "HSM", owner: undefined },
  findings: [{ property: "neverExtractable", value: true, source: "attestation", reason: "NEVER_EXTRACTABLE" }],
};
const refused: AttestationResult = { status: "refused", step: "owner", reason: "not the owner's" };

describe("custody()", () => {
  test.each<[string, KeyCustody, AttestationResult | undefined, object]>([
    ["hardware that is stated", HARDWARE, undefined, { level: "claimed-hsm", attestation: undefined }],
    ["software", { findings: [claim("hardware", false)] }, undefined, { level: "claimed-software" }],
    ["nothing known", { findings: [claim("hardware", "unknown")] }, undefined, { level: "unknown" }],
    ["evidence that was not looked at", { ...HARDWARE, evidence: EVIDENCE }, undefined, { level: "claimed-hsm" }],
    ["evidence that holds", { ...HARDWARE, evidence: EVIDENCE }, proven, { level: "proven-hsm", attestation: proven }],
    [
      "evidence that does not",
      { ...HARDWARE, evidence: EVIDENCE },
      refused,
      { level: "unknown", attestation: refused },
    ],
  ])("%s", async (_name, stated, result, expected) => {
    const verifyAttestation = result && (() => result);
    const signer = new RemoteSigner(new StatedKey(stated));
    const report = await signer.custody({ verifyAttestation });
    expect(report).toMatchObject({ backend: "memory", keyId: "memory-key", address: ADDRESS, ...expected });
    expect(report.publicKey).toBe(await signer.getPublicKey());
    await signer.close();
    await expect(signer.custody()).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
  });

  test("the evidence is verified against the key that signs", async () => {
    const verifyAttestation = jest.fn(() => proven);
    const key = new StatedKey({ ...HARDWARE, evidence: EVIDENCE });
    await new RemoteSigner(key).custody({ verifyAttestation });
    expect(verifyAttestation.mock.calls).toEqual([[EVIDENCE, await key.getPublicKey()]]);
  });

  test("a key that can state nothing", async () => {
    const report = await new RemoteSigner(new MemoryKey(PRIVATE_KEY)).custody();
    expect(report).toMatchObject({ level: "unknown", findings: [], attestation: undefined });
  });

  test("replicas: the weakest level, and each one's report", async () => {
    const keys = [new StatedKey(HARDWARE), new StatedKey({ findings: [claim("hardware", false)] })];
    const signer = new RemoteSigner(new FailoverKey(keys, { expectedAddress: ADDRESS }));
    const report = await signer.custody();
    expect(report).toMatchObject({
      ...{ level: "claimed-software", address: ADDRESS },
      replicas: [{ level: "claimed-hsm" }, { level: "claimed-software" }],
    });
    expect(report.findings).toHaveLength(3);
    await signer.close();
  });
});

describe("requireCustody", () => {
  const open = (requireCustody: CustodyRequirement, stated = HARDWARE) => {
    const key = new StatedKey(stated);
    return { key, signer: new RemoteSigner(key, null, { requireCustody }) };
  };

  test.each<[string, CustodyRequirement, RegExp]>([
    [
      "a level",
      { level: "proven-hsm", verifyAttestation: () => refused },
      /level is claimed-hsm instead of proven-hsm/,
    ],
    ["a property that is otherwise", { exportable: true }, /exportable is false: exportable as stated/],
    ["a property that is unknown", { neverExtractable: true }, /neverExtractable is unknown/],
    ["a property that no source names", { replicated: false }, /replicated is unknown/],
    ["several", { exportable: true, replicated: false }, /exportable is false.*; replicated is unknown/],
  ])("refuses %s, before anything is signed", async (_name, requirement, message) => {
    const { key, signer } = open(requirement);
    for (const call of [signer.getAddress(), signer.signDigest(DIGEST), signer.custody()]) {
      await expect(call).rejects.toMatchObject({
        ...{ code: "KEY_UNUSABLE", retryable: false, backend: "memory", keyId: "memory-key", operation: "custody" },
        message: expect.stringMatching(message),
        info: { level: "claimed-hsm", findings: HARDWARE.findings },
      });
    }
    expect(key.signatures).toBe(0);
  });

  test("is checked once", async () => {
    const { key, signer } = open({ level: "claimed-hsm", exportable: false });
    await Promise.all([signer.signDigest(DIGEST), signer.signDigest(DIGEST)]);
    await signer.connect(null).signDigest(DIGEST);
    expect([key.asked, key.signatures]).toEqual([1, 3]);
  });

  test("sources that contradict each other meet nothing", async () => {
    const findings = [claim("exportable", false), { ...claim("exportable", true), source: "attestation" as const }];
    for (const exportable of [true, false]) {
      await expect(open({ exportable }, { findings }).signer.getAddress()).rejects.toMatchObject({
        code: "KEY_UNUSABLE",
      });
    }
  });

  test("create() fails, and closes the key", async () => {
    const key = new StatedKey(HARDWARE);
    await expect(RemoteSigner.create(key, null, { requireCustody: { replicated: false } })).rejects.toMatchObject({
      code: "KEY_UNUSABLE",
    });
    expect(key.closings).toBe(1);
  });

  test("each replica is held to it: only those that meet it sign", async () => {
    const [loose, kept] = [new StatedKey({ findings: [claim("exportable", true)] }), new StatedKey(HARDWARE)];
    const requireCustody = { exportable: false };
    const signer = new RemoteSigner(new FailoverKey([loose, kept], { expectedAddress: ADDRESS, requireCustody }));
    await signer.signDigest(DIGEST);
    expect([loose.signatures, kept.signatures]).toEqual([0, 1]);
    await signer.close();
  });

  test.each<[string, object]>([
    ["an unknown property", { secure: true }],
    ["an unknown level", { level: "claimed-software" }],
    ["a value that is not a boolean", { exportable: "no" }],
    ["proven-hsm without a verifier", { level: "proven-hsm" }],
  ])("%s is refused at construction", (_name, requirement) => {
    expect(() => open(requirement as CustodyRequirement)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });
});
