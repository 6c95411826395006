// A workflow's step pays from a token's account. Its process is killed after a node has the transaction and before the step's result is stored;
// the next process recovers the workflow and runs the step again. In the end there is one payment. It exits with 1 if the chain says
// anything else.
//
//   npx tsx examples/durable-sends/main.ts [--backend pkcs11]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEther, Wallet } from "ethers";
import { signerFromUri } from "ethers-hsm/uri";
import { postgresPrograms } from "../../scripts/setup/databases.mjs";
import { installOwnPackages } from "../../scripts/setup/own-packages.mjs";
import { softHsmLibrary } from "../../scripts/setup/softhsm.mjs";
import { startPostgres } from "../../tests/support/databases.ts";
import { SoftHsmToken } from "../../tests/support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../../tests/support/softhsm-configuration.ts";
import { expectEqual, Report } from "../demo/report.ts";
import { openChain } from "../support/chain.ts";
import { readOptions } from "../support/options.ts";
import { Program } from "../support/program.ts";

const WORKER = join(import.meta.dirname, "worker.ts");

readOptions(["backend"], ["pkcs11"]);
installOwnPackages(import.meta.dirname, "DBOS comes from the npm registry.");
const [library, programs] = [softHsmLibrary(), postgresPrograms()];
if (library === undefined || programs === undefined)
  throw new Error("SoftHSM2 or Postgres is missing; run npm run setup");
process.env["ETHERS_HSM_POSTGRES_PROGRAMS"] = programs;

const report = new Report();
const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-durable-sends-"));
process.env["SOFTHSM2_CONF"] = writeSoftHsmConfiguration(folder);
const token = SoftHsmToken.create(library, "treasury");
token.generateKey({ label: "hot-wallet" });
process.env["HSM_PIN"] = token.pin;
const keyUri = `pkcs11:token=treasury;object=hot-wallet?module-path=${library}&pin-source=env:HSM_PIN`;
const [chain, database] = await Promise.all([openChain(undefined), startPostgres()]);
try {
  const signer = await signerFromUri(keyUri, chain.provider);
  const address = await signer.getAddress();
  await signer.close();
  await chain.fund(address, parseEther("10"));
  report.step("account", address);

  const to = Wallet.createRandom().address;
  const env = {
    ETHERS_HSM_KEY: keyUri,
    ETHERS_HSM_RPC: chain.url,
    DATABASE_URL: `postgres://postgres@127.0.0.1:${database.port}/postgres`,
  };
  const start = () => new Program(WORKER, ["invoice-4711", to, "1"], env);
  // The step waits for its receipt, and is killed there.
  await chain.provider.send("evm_setAutomine", [false]);
  const victim = start();
  const sent = (await victim.line()).split(" ")[1];
  await victim.end("SIGKILL");
  report.step("killed", `in the step, after a node got ${sent}`);

  const next = start();
  expectEqual("the recovered step's transaction", await next.line(), `sent ${sent}`);
  await chain.provider.send("evm_setAutomine", [true]);
  await chain.provider.send("evm_mine", []);
  expectEqual("the workflow's next step", await next.line(), `booked invoice-4711 ${sent}`);
  expectEqual("the workflow's result", await next.line(), `paid ${sent}`);
  expectEqual("the process's exit code", await next.end(), 0);
  report.step("recovered", "by the next process, which signed nothing");

  const again = start();
  expectEqual("the same workflow's result, later", await again.line(), `paid ${sent}`);
  expectEqual("the process's exit code", await again.end(), 0);
  expectEqual("the recipient's balance", await chain.provider.getBalance(to), 1n);
  expectEqual("the account's nonce", await chain.provider.getTransactionCount(address), 1);
  report.end();
} finally {
  await Promise.all([chain.close(), database.stop()]);
  rmSync(folder, { recursive: true, force: true });
}
