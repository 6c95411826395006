import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, id, verifyMessage } from "ethers";
import { CommandLine } from "./support/command.ts";
import { type GoogleCloud, startGoogleCloud } from "./support/google-cloud.ts";
import { examined } from "./support/steps.ts";

const PRIVATE_KEY = id("a key in Google Cloud");
const RING = "projects/acme/locations/europe-west1/keyRings/eth";
const VERSION = `${RING}/cryptoKeys/treasury/cryptoKeyVersions/1`;

let google: GoogleCloud;
let cli: CommandLine;
let uri: (name: string) => string;

beforeAll(async () => {
  google = await startGoogleCloud();
  google.server.rings.add(`${RING}/cryptoKeys/treasury`, { privateKey: PRIVATE_KEY });
  uri = (name) => `gcp-kms:${name}?endpoint=${google.server.url}`;
  cli = new CommandLine({ ...google.env, ETHERS_HSM_KEY: uri(VERSION) });
});

afterEach(() => google.server.faults.clear());

afterAll(() => google.close());

describe("a key in Google Cloud KMS, by the command line and Application Default Credentials", () => {
  test("address, sign-message and accounts", async () => {
    const address = computeAddress(PRIVATE_KEY);
    expect(await cli.run(["address"])).toEqual({ code: 0, stdout: `${address}\n`, stderr: "" });
    const { signature } = await cli.json(["sign-message", "hello"]);
    expect(verifyMessage("hello", String(signature))).toBe(address);
    for (const place of [RING, "projects/acme/locations/europe-west1"]) {
      const listed = await cli.json(["accounts", "--key", uri(place), "--prefix", "trea"]);
      expect(listed).toMatchObject({ address, name: "treasury", backend: "gcp-kms", keyId: VERSION });
    }
  });

  test("create and import", async () => {
    const created = await cli.json(["create", "--key", uri(`${RING}/cryptoKeys/fresh`)]);
    expect(created["uri"]).toBe(uri(`${RING}/cryptoKeys/fresh/cryptoKeyVersions/1`));
    expect(await cli.json(["address", "--key", String(created["uri"])])).toMatchObject({ address: created["address"] });
    const privateKey = id("moves into an HSM");
    const env = { ETHERS_HSM_PRIVATE_KEY: privateKey };
    const imported = await cli.json(["import", "--key", uri(`${RING}/cryptoKeys/moved`)], { env });
    expect(imported).toMatchObject({ address: computeAddress(privateKey), name: "moved" });
    const version = await cli.run(["create", "--key", uri(VERSION)]);
    expect(version).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot name a version") });
    const nameless = await cli.run(["create", "--key", uri(RING)]);
    expect(nameless).toMatchObject({ code: 2, stderr: expect.stringContaining("must name it") });
  });

  test("what fails has its exit code", async () => {
    expect(await cli.run(["address", "--key", uri(`${VERSION}0`)])).toMatchObject({ code: 4, stdout: "" });
    google.server.faults.add({ kind: "error", status: "PERMISSION_DENIED" }, { operation: "asymmetricSign" });
    expect(await cli.run(["sign-message", "x"])).toMatchObject({ code: 3, stdout: "" });
    const unnamed = await cli.run(["address", "--key", uri(`${RING}/cryptoKeys/treasury`)]);
    expect(unnamed).toMatchObject({ code: 2, stderr: expect.stringContaining("each version is another account") });
  });
});

describe("doctor over Google Cloud KMS", () => {
  test("checks every step, and says whose token it is, but shows no token", async () => {
    const { code, steps, step, troubles } = await examined(cli, []);
    expect([code, troubles]).toEqual([0, ["endpoint and TLS: warning"]]);
    expect(steps.map((each) => each.step)).toEqual([
      ...[
        "credentials",
        "endpoint and TLS",
        "permission to read the key",
        "key",
        "permission to sign",
        "address",
        "signature",
      ],
    ]);
    expect(step("credentials").facts).toEqual({ email: google.email });
    expect(step("key").facts).toEqual({
      ...{ algorithm: "EC_SIGN_SECP256K1_SHA256", protectionLevel: "HSM", state: "ENABLED", imported: false },
    });
    expect(step("address").detail).toBe(computeAddress(PRIVATE_KEY));
    expect(JSON.stringify(steps)).not.toContain(google.token);
  });

  test("without the permission to sign nothing is signed; cryptoKeyVersions.get is not needed", async () => {
    google.server.permissions.delete("cloudkms.cryptoKeyVersions.useToSign");
    google.server.faults.add({ kind: "error", status: "PERMISSION_DENIED" }, { operation: "getCryptoKeyVersion" });
    const signed = google.server.count("asymmetricSign");
    const { step } = await examined(cli, []);
    expect(step("permission to sign")).toMatchObject({
      status: "failed",
      code: "ACCESS_DENIED",
      detail: expect.stringContaining("useToSign"),
    });
    expect(step("signature").status).toBe("not-tried");
    expect(step("key")).toMatchObject({ status: "ok", detail: expect.stringContaining("which signing does not need") });
    expect(google.server.count("asymmetricSign")).toBe(signed);
    google.server.permissions.add("cloudkms.cryptoKeyVersions.useToSign");
  });

  test("a disabled version, and no credentials", async () => {
    google.server.rings.version(VERSION).state = "DISABLED";
    const disabled = await examined(cli, []);
    expect(disabled.step("permission to read the key")).toMatchObject({ status: "failed", code: "KEY_UNUSABLE" });
    expect(disabled.step("key").facts).toMatchObject({ state: "DISABLED" });
    google.server.rings.version(VERSION).state = "ENABLED";
    const env = { GOOGLE_APPLICATION_CREDENTIALS: "/nonexistent/key.json" };
    const none = await examined(cli, [], { env });
    expect(none.step("credentials")).toMatchObject({ status: "failed", code: "ACCESS_DENIED" });
    expect(none.step("signature").status).toBe("not-tried");
  });
});
