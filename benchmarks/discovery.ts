// Time per key of a listing: secp256k1 keys among others, a first time and once they are known.
//
//   npm run bench [-- --quick] [-- --json FILE]
//
// The servers run in this very process and share its CPU, so the figures are an upper bound of the library's own share, and say
// nothing of a vendor's network and quotas.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hexlify, randomBytes } from "ethers";
import { isStoredKey, type KeyStore } from "ethers-hsm";
import { Pkcs11KeyStore } from "ethers-hsm/pkcs11";
import { softHsmLibrary } from "../scripts/setup/softhsm.mjs";
import { openStore } from "../tests/aws-kms/store-support.ts";
import { startEmptyServer, storeFor } from "../tests/azure-key-vault/store-setup.ts";
import { KmsServer } from "../tests/servers/aws-kms/kms-server.ts";
import { SoftHsmToken } from "../tests/support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../tests/support/softhsm-configuration.ts";

interface Row {
  readonly backend: string;
  readonly keys: number;
  readonly others: number;
  readonly firstMsPerKey: number;
  readonly againMsPerKey: number;
}

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, json: { type: "string" } } });
const KEYS = values.quick ? 20 : 1_000;
const OTHERS = 3 * KEYS;
const TOKEN_KEYS = values.quick ? 5 : 200;

const rows = [await awsKms(), await azureKeyVault(), await pkcs11()];
console.table(rows);
const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, Node ${process.version}`;
console.log(machine);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, rows }, null, 2)}\n`);

async function awsKms(): Promise<Row> {
  const server = await KmsServer.start();
  for (let index = 0; index < KEYS; index += 1) {
    server.ring.importKey(newPrivateKey());
    for (let other = 0; other < 3; other += 1) server.ring.createKey("SYMMETRIC_DEFAULT");
  }
  const row = await measure("aws-kms", openStore(server), KEYS, OTHERS);
  await server.close();
  return row;
}

async function azureKeyVault(): Promise<Row> {
  const server = await startEmptyServer();
  for (let index = 0; index < KEYS; index += 1) {
    server.vault.put(`key-${index}`);
    for (let other = 0; other < 3; other += 1) server.vault.put(`other-${index}-${other}`, { curve: "P-256" });
  }
  const row = await measure("azure-key-vault", storeFor(server), KEYS, OTHERS);
  await server.close();
  return row;
}

async function pkcs11(): Promise<Row> {
  const libraryPath = softHsmLibrary();
  if (libraryPath === undefined) throw new Error("SoftHSM2 is missing; run npm run setup");
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-bench-"));
  process.env["SOFTHSM2_CONF"] = writeSoftHsmConfiguration(folder);
  const token = SoftHsmToken.create(libraryPath, "bench");
  for (let index = 0; index < TOKEN_KEYS; index += 1) {
    token.importKey(newPrivateKey(), { label: `key-${index}`, id: hexlify(randomBytes(16)) });
  }
  const store = new Pkcs11KeyStore({ libraryPath, tokenLabel: token.label, pin: token.pin });
  const row = await measure("pkcs11", store, TOKEN_KEYS, 0);
  rmSync(folder, { recursive: true, force: true });
  return row;
}

async function measure(backend: string, store: KeyStore, keys: number, others: number): Promise<Row> {
  const firstMsPerKey = (await timed(store, keys)) / keys;
  const againMsPerKey = (await timed(store, keys)) / keys;
  await store.close?.();
  return { backend, keys, others, firstMsPerKey: round(firstMsPerKey), againMsPerKey: round(againMsPerKey) };
}

async function timed(store: KeyStore, keys: number): Promise<number> {
  const started = performance.now();
  let found = 0;
  for await (const listed of store.list()) if (isStoredKey(listed)) found += 1;
  if (found !== keys) throw new Error(`${found} keys were found instead of ${keys}`);
  return performance.now() - started;
}

function newPrivateKey(): string {
  return hexlify(randomBytes(32));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
