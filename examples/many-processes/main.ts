// Four processes pay from one account of one token, through one Postgres. One of them is killed in the middle and started again. In the
// end each payment was made once, and no nonce is left out. It exits with 1 if the chain says anything else.
//
//   npx tsx examples/many-processes/main.ts [--backend pkcs11]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEther, Wallet } from "ethers";
import { signerFromUri } from "ethers-hsm/uri";
import { postgresPrograms } from "../../scripts/setup/databases.mjs";
import { softHsmLibrary } from "../../scripts/setup/softhsm.mjs";
import { startPostgres } from "../../tests/support/databases.ts";
import { SoftHsmToken } from "../../tests/support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../../tests/support/softhsm-configuration.ts";
import { expectEqual, Report } from "../demo/report.ts";
import { openChain } from "../support/chain.ts";
import { readOptions } from "../support/options.ts";
import { Program } from "../support/program.ts";
import { openPayments } from "./payments.ts";

const [PROCESSES, PAYMENTS] = [4, 10];
const WORKER = join(import.meta.dirname, "worker.ts");

readOptions(["backend"], ["pkcs11"]);
const [library, programs] = [softHsmLibrary(), postgresPrograms()];
if (library === undefined || programs === undefined)
  throw new Error("SoftHSM2 or Postgres is missing; run npm run setup");
process.env["ETHERS_HSM_POSTGRES_PROGRAMS"] = programs;

const report = new Report();
const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-many-processes-"));
process.env["SOFTHSM2_CONF"] = writeSoftHsmConfiguration(folder);
const token = SoftHsmToken.create(library, "treasury");
token.generateKey({ label: "hot-wallet" });
const [chain, database] = await Promise.all([openChain(undefined), startPostgres()]);
try {
  process.env["HSM_PIN"] = token.pin;
  const settings = {
    keyUri: `pkcs11:token=treasury;object=hot-wallet?module-path=${library}&pin-source=env:HSM_PIN`,
    rpcUrl: chain.url,
    databaseUrl: `postgres://postgres@127.0.0.1:${database.port}/postgres`,
  };
  const signer = await signerFromUri(settings.keyUri, chain.provider);
  const address = await signer.getAddress();
  await signer.close();
  await chain.fund(address, parseEther("10"));
  report.step("account", address);
  const payments = await openPayments(settings);
  await payments.migrate();
  report.step("database", "the schema is there");

  const to = Wallet.createRandom().address;
  const env = { ETHERS_HSM_KEY: settings.keyUri, ETHERS_HSM_RPC: settings.rpcUrl, DATABASE_URL: settings.databaseUrl };
  const start = (name: string) => new Program(WORKER, [name, `${PAYMENTS}`, to], env);
  const workers = Array.from({ length: PROCESSES }, (_, index) => start(`worker-${index}`));
  const [victim, ...others] = workers as [Program, ...Program[]];
  await victim.line();
  await victim.line();
  await victim.end("SIGKILL");
  report.step("killed", "one of four, after two of its ten payments");
  const again = start("worker-0");
  for (const worker of [again, ...others]) {
    for (let index = 0; index < PAYMENTS; index += 1) await worker.line();
    expectEqual("a worker's exit code", await worker.end(), 0);
  }
  report.step("paid", `${PROCESSES * PAYMENTS} payments, by ${PROCESSES} processes and one that took over`);

  const open = await payments.reconcile();
  expectEqual("the recipient's balance", await chain.provider.getBalance(to), BigInt(PROCESSES * PAYMENTS));
  expectEqual("the account's nonce", await chain.provider.getTransactionCount(address), PROCESSES * PAYMENTS);
  expectEqual("the transactions that are not mined", open.filter(({ state }) => state !== "mined").length, 0);
  await payments.close();
  report.end();
} finally {
  await Promise.all([chain.close(), database.stop()]);
  rmSync(folder, { recursive: true, force: true });
}
