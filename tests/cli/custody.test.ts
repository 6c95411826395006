import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, id } from "ethers";
import type { CustodyReport } from "../../src/index.ts";
import { publicKeyOf, TestHsm } from "../attestation/hsm.ts";
import { CommandLine } from "./support/command.ts";
import { type GoogleCloud, startGoogleCloud } from "./support/google-cloud.ts";

const PRIVATE_KEY = id("a key whose HSM attests it");
const ADDRESS = computeAddress(PRIVATE_KEY);
const KEY = "projects/acme/locations/europe-west1/keyRings/eth/cryptoKeys/treasury";
const VERSION = `${KEY}/cryptoKeyVersions/1`;

const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-custody-"));
const file = (name: string, content: string) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

let google: GoogleCloud;
let hsm: TestHsm;
let cli: CommandLine;
let roots: string[];

beforeAll(async () => {
  google = await startGoogleCloud();
  hsm = new TestHsm();
  google.server.rings.add(KEY, { privateKey: PRIVATE_KEY });
  const { statement } = hsm.attestGoogle(publicKeyOf(PRIVATE_KEY), VERSION);
  const { card, partition, ownerCard, ownerPartition } = hsm.certificates;
  google.server.rings.version(VERSION).attestation = {
    ...{ format: "CAVIUM_V2_COMPRESSED", content: statement },
    certChains: {
      ...{ caviumCerts: [card, partition], googleCardCerts: [ownerCard], googlePartitionCerts: [ownerPartition] },
    },
  };
  const { manufacturerRoots = [], ownerRoots = [] } = hsm.roots;
  roots = ["--manufacturer-root", file("maker.pem", manufacturerRoots.join())];
  roots.push("--owner-root", file("owner.pem", ownerRoots.join()));
  cli = new CommandLine({ ...google.env, ETHERS_HSM_KEY: `gcp-kms:${VERSION}?endpoint=${google.server.url}` });
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await google.close();
});

describe("ethers-hsm custody", () => {
  test("shows each finding, its source, and the HSM that signed", async () => {
    const { code, stdout, stderr } = await cli.run(["custody", ...roots]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`proven-hsm  ${ADDRESS}  ${VERSION}\n`);
    expect(stdout).toMatch(/ {2}neverExtractable {2}true {5}attestation {2}ALWAYS_SENSITIVE is true/);
    expect(stdout).toContain("attestation verified: signed by CN=HSM:PARTN:1; certified by CN=Owner\n");
  });

  test("a statement by no pinned root is refused, with exit code 1", async () => {
    const { code, stdout } = await cli.run(["custody"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^unknown .*\n(.*\n)+attestation refused: the certificates do not lead to a root/);
  });

  test("--require, met and not met", async () => {
    const run = (list: string) => cli.run(["custody", ...roots, "--require", list]);
    expect((await run("proven-hsm,neverExtractable,exportable=false")).code).toBe(0);
    const unmet = await run("importedMaterial,replicated=false");
    expect(unmet.code).toBe(1);
    expect(unmet.stdout).toMatch(/NOT met: importedMaterial is false: .*\nNOT met: replicated is unknown\n$/);
    for (const list of ["secure", "exportable=maybe", "", "proven-hsm,,"]) {
      expect((await run(list)).code).toBe(2);
    }
  });

  test("a saved report is verified without the cloud, by its statement alone", async () => {
    const saved = (await cli.json(["custody", ...roots])) as unknown as CustodyReport;
    const { evidence } = saved;
    const offline = new CommandLine();
    const run = async (report: object, ...more: string[]) => {
      const bundle = file("bundle.json", JSON.stringify(report));
      const { code, stdout, stderr } = await offline.run(["custody", "--bundle", bundle, "--json", ...roots, ...more]);
      return { code, report: stdout === "" ? undefined : JSON.parse(stdout), stderr };
    };
    const good = await run(saved, "--require", "proven-hsm,generatedInside", "--address", ADDRESS.toLowerCase());
    expect(good).toMatchObject({ code: 0, report: { ok: true, level: "proven-hsm", address: ADDRESS } });
    expect(good.report.findings.every(({ source }: { source: string }) => source === "attestation")).toBe(true);

    const other = new TestHsm().attestGoogle(publicKeyOf(id("another")), VERSION);
    const altered = { ...evidence, keyName: `${VERSION}1` };
    expect(await run({ ...saved, evidence: altered })).toMatchObject({
      ...{ code: 1, report: { ok: false, level: "unknown", findings: [], attestation: { step: "name" } } },
    });
    expect(await run({ ...saved, evidence: other })).toMatchObject({ code: 1, report: { level: "unknown" } });
    const otherAddress = computeAddress(id("another"));
    // The address is computed from the public key: what the file says of it does not count.
    expect(await run({ ...saved, address: otherAddress }, "--address", otherAddress)).toMatchObject({
      ...{ code: 1, report: { address: ADDRESS, missing: [expect.stringContaining(otherAddress)] } },
    });
    for (const wrong of [
      [],
      { ...saved, evidence: undefined },
      { ...saved, publicKey: "0x04" },
      { ...saved, publicKey: `0x04${"11".repeat(64)}` },
      { ...saved, evidence: { ...evidence, statement: 7 } },
      { ...saved, evidence: { ...evidence, service: "aws-kms" } },
    ]) {
      expect(await run(wrong)).toMatchObject({ code: 2, stderr: expect.stringContaining("bundle") });
    }
    const twice = file("twice.json", `{"keyId":"a",${JSON.stringify(saved).slice(1)}`);
    expect((await offline.run(["custody", "--bundle", twice])).code).toBe(2);
  });

  test("files that are missing or no PEM, and two sources at once", async () => {
    const text = file("text.txt", "not PEM");
    for (const args of [
      ["--owner-root", text],
      ["--owner-root", "/nonexistent"],
      ["--bundle", text, "--key", "gcp-kms:x"],
      ["--bundle", "/nonexistent"],
    ]) {
      expect((await cli.run(["custody", ...args])).code).toBe(2);
    }
  });
});
