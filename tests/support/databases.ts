import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKept, type User } from "./kept-process.ts";

/** A server of this run alone, on the loopback interface, in a folder of its own that goes with it. */
export interface Database {
  readonly port: number;
  stop(): Promise<void>;
}

/** The user and group "nobody" of Linux: Postgres refuses to run as root. */
const NOBODY: User = { uid: 65534, gid: 65534 };

/** Why the tests that need them are left out, if they are. In CI that is a failure. */
export function missingDatabase(name: "Postgres" | "Redis"): string | undefined {
  if ((name === "Postgres" ? postgresPrograms() : redisServer()) !== "") return undefined;
  if (process.env["CI"] === "true") throw new Error(`${name} is missing, and CI must have it. Run \`npm run setup\`.`);
  return `${name} is missing: run \`npm run setup\``;
}

/** Starts Postgres. Its superuser is "postgres", without a password. */
export async function startPostgres(): Promise<Database> {
  const programs = postgresPrograms();
  const user = process.getuid?.() === 0 ? NOBODY : {};
  const { folder, remove } = createFolder(user);
  const data = join(folder, "data");
  const options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
  execFileSync(join(programs, "initdb"), [`--pgdata=${data}`, ...options], { ...user, cwd: folder, stdio: "pipe" });
  const port = await freePort();
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"];
  const parameters = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  const server = await startKept([join(programs, "postgres"), ...parameters], /ready to accept connections/, user);
  return { port, stop: () => server.stop().finally(remove) };
}

/** Starts Redis, which writes each command to its file before it responds. */
export async function startRedis(): Promise<Database> {
  const { folder, remove } = createFolder({});
  const port = await freePort();
  const settings = { bind: "127.0.0.1", port, dir: folder, save: "", appendonly: "yes", appendfsync: "always" };
  const parameters = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = await startKept([redisServer(), ...parameters], /Ready to accept connections/);
  return { port, stop: () => server.stop().finally(remove) };
}

function createFolder({ uid, gid }: User): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-database-"));
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

// The set-up's findings: its modules cannot be loaded by tests.
function postgresPrograms(): string {
  return process.env["ETHERS_HSM_POSTGRES_PROGRAMS"] ?? "";
}

function redisServer(): string {
  return process.env["ETHERS_HSM_REDIS_SERVER"] ?? "";
}
