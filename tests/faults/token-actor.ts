// One scene of a token's files, in a process of its own, since SoftHSM2 has one configuration in a process. Prints what came
// of it as JSON, and ends on its own.
//
//   tsx tests/faults/token-actor.ts --scene full-disk|removed --folder DIR [--isolated]

import { copyFileSync, readdirSync, renameSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { id } from "ethers";
import { isStoredKey, RemoteSigner } from "ethers-hsm";
import { Pkcs11KeyStore, Pkcs11Signer } from "ethers-hsm/pkcs11";
import { softHsmLibrary } from "../../scripts/setup/softhsm.mjs";
import { load, type Outcome } from "../pkcs11/faults/load.ts";
import { isolatedProcesses, letChildrenReadTypeScript } from "../support/isolated.ts";
import { BareModule } from "../support/pkcs11-shim/bare-module.ts";
import { SoftHsmToken } from "../support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../support/softhsm-configuration.ts";
import { fillDisk } from "./small-disk.ts";

/** What the scene's process prints. */
export interface TokenReport {
  readonly during: Outcome;
  readonly after: Outcome;
  /** What creating a key came to, by its label: its address, or the error's code. */
  readonly creations: Readonly<Record<string, string>>;
  /** The labels of the keys that the store lists in the end and that sign, and the codes of those that it cannot use. */
  readonly signing: readonly string[];
  readonly unusable: readonly string[];
}

const CALLERS = 30;
const PATIENCE = 60_000;

const { values } = parseArgs({
  options: { scene: { type: "string" }, folder: { type: "string" }, isolated: { type: "boolean", default: false } },
});
const { folder = "", scene } = values;
const libraryPath = softHsmLibrary();
if (libraryPath === undefined) throw new Error("SoftHSM2 is missing. Run `npm run setup` first.");
process.env["SOFTHSM2_CONF"] = writeSoftHsmConfiguration(folder);
letChildrenReadTypeScript();
// By a copy, which is a library of its own: only the signers use theirs.
const setUpLibrary = join(tmpdir(), `ethers-hsm-set-up-${process.pid}.so`);
copyFileSync(libraryPath, setUpLibrary);
const { label: tokenLabel, pin, ...token } = tokenWithKey(setUpLibrary);
rmSync(setUpLibrary);
const isolation = values.isolated ? { isolation: "process" as const } : {};
const options = { libraryPath, tokenLabel, pin, timeout: 20_000, ...isolation };
const signer = new Pkcs11Signer({ ...options, keyLabel: "first" });
const store = new Pkcs11KeyStore(options);
const creations: Record<string, string> = {};

await signer.getAddress();
await census();
// In isolation it is another library in this process, which is not used.
const otherUser = new BareModule(libraryPath);
const fault = scene === "full-disk" ? fullDisk : removed;
const during = await load([signer], { callers: CALLERS, over: fault(), patienceMs: PATIENCE });
const after = await load([signer], { callers: CALLERS, calls: 100, patienceMs: PATIENCE });
const report: TokenReport = { during, after, creations, ...(await census()) };
await Promise.all([signer.close(), store.close()]);
writeSync(1, `${JSON.stringify(report)}\n`);

function tokenWithKey(path: string): { label: string; pin: string; folder: string } {
  const created = SoftHsmToken.create(path, "files");
  created.importKey(id("a key in a file"), { label: "first", id: "0x01" });
  const tokens = join(folder, "tokens");
  const [name = ""] = readdirSync(tokens);
  return { label: created.label, pin: created.pin, folder: join(tokens, name) };
}

async function fullDisk(): Promise<void> {
  await create("before");
  const filler = fillDisk(folder);
  for (const label of ["full 1", "full 2", "full 3"]) await create(label);
  await setTimeout(300);
  rmSync(filler);
  await create("after");
}

/** While the folder is away the sessions end, so that the library has to look for the token. */
async function removed(): Promise<void> {
  const aside = join(folder, "aside");
  for (let round = 0; round < 3; round += 1) {
    await signer.signDigest(id("it is there"));
    const slot = values.isolated ? undefined : otherUser.slot(tokenLabel);
    renameSync(token.folder, aside);
    endSessions(slot);
    await setTimeout(500);
    renameSync(aside, token.folder);
  }
}

function endSessions(slot: Buffer | undefined): void {
  for (const pid of isolatedProcesses()) process.kill(pid, "SIGKILL");
  if (slot) otherUser.cryptoki.C_CloseAllSessions(slot);
}

async function create(label: string): Promise<void> {
  const creating = store.createKey({ name: label }).then(
    ({ address }) => address,
    ({ code }: { code: string }) => code,
  );
  creations[label] = await creating;
}

async function census(): Promise<Pick<TokenReport, "signing" | "unusable">> {
  const signing: string[] = [];
  const unusable: string[] = [];
  for await (const listed of store.list()) {
    const name = String(listed.name);
    if (!isStoredKey(listed)) unusable.push(`${name}: ${listed.error.message}`);
    else if ((await new RemoteSigner(listed.key).signDigest(id("census"))).isValid()) signing.push(name);
  }
  return { signing: signing.sort(), unusable };
}
