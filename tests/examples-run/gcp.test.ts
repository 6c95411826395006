import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, id, parseEther, Wallet } from "ethers";
import { type GoogleCloud, startGoogleCloud } from "../cli/support/google-cloud.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { PROJECT, run } from "./program.ts";

const PRIVATE_KEY = id("the account of the example for Google Cloud");
const KEY = "projects/acme/locations/europe-west1/keyRings/eth/cryptoKeys/treasury";
const TO = Wallet.createRandom().address;

let google: GoogleCloud;
let anvil: Anvil;
beforeAll(async () => {
  [google, anvil] = await Promise.all([startGoogleCloud(), startAnvil()]);
  google.server.rings.add(KEY, { privateKey: PRIVATE_KEY });
  await anvil.fund(computeAddress(PRIVATE_KEY), parseEther("1"));
});
afterAll(async () => {
  await Promise.all([google.close(), anvil.stop()]);
});

describe("payment-job.ts", () => {
  const job = (env: Readonly<Record<string, string>> = {}) => {
    return run("examples/gcp/payment-job.ts", [], {
      ...{
        ...google.env,
        HOME: "/nonexistent",
        KMS_ENDPOINT: google.server.url,
        RPC_URL: anvil.url,
        TO,
        AMOUNT: "0.25",
      },
      ...{ KEY_VERSION: `${KEY}/cryptoKeyVersions/1`, EXPECTED_ADDRESS: computeAddress(PRIVATE_KEY), ...env },
    });
  };

  test("pays, by the service account of the machine", async () => {
    const { status, output } = await job();
    expect(output).toMatch(/^\{"hash":"0x[\da-f]{64}","block":\d+,"status":1\}\n$/);
    expect(status).toBe(0);
    expect(await anvil.provider().getBalance(TO)).toBe(parseEther("0.25"));
  });

  test("refuses another account's key, and sends nothing", async () => {
    const { status, output } = await job({ EXPECTED_ADDRESS: TO });
    expect([status, JSON.parse(output)]).toMatchObject([1, { failure: { code: "ADDRESS_MISMATCH" } }]);
    expect(await anvil.provider().getTransactionCount(computeAddress(PRIVATE_KEY))).toBe(1);
  });
});

test("setup.sh makes what is missing, and grants one role on the key", () => {
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-gcp-"));
  const log = join(folder, "log");
  const gcloud = join(folder, "gcloud");
  // Nothing exists yet: it fails at each describe.
  writeFileSync(gcloud, `#!/bin/sh\necho "$*" >>${log}\ncase "$*" in *describe*) exit 1;; esac\n`);
  chmodSync(gcloud, 0o755);
  const env = { PATH: `${folder}:${process.env["PATH"]}`, PROJECT: "acme", LOCATION: "europe-west1" };
  const output = execFileSync(join(PROJECT, "examples/gcp/setup.sh"), { env, encoding: "utf8" });
  const calls = readFileSync(log, "utf8").trim().split("\n");
  rmSync(folder, { recursive: true });
  expect(output).toBe(`KEY_VERSION=${KEY}/cryptoKeyVersions/1\n`);
  expect(calls.filter((call) => !call.includes("describe")).map((call) => call.split(" --")[0])).toEqual([
    ...["services enable cloudkms.googleapis.com", "kms keyrings create eth", "kms keys create treasury"],
    ...["iam service-accounts create eth-signer", "kms keys add-iam-policy-binding treasury"],
  ]);
  expect(calls.join("\n")).toMatch(/--default-algorithm ec-sign-secp256k1-sha256 --protection-level hsm/);
  expect(calls.at(-1)).toMatch(
    /--member serviceAccount:eth-signer@acme\.iam\.gserviceaccount\.com --role roles\/cloudkms\.signerVerifier$/,
  );
});
