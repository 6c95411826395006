import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { aptUnpack, hasApt } from "./apt.mjs";
import { isOnPath } from "./command.mjs";
import { howToInstall } from "./package-manager.mjs";
import { cacheFolder } from "./project.mjs";
import { SetupError } from "./setup-error.mjs";
import { linkToSiblings } from "./shared-library.mjs";

const [postgresRoot, redisRoot] = [join(cacheFolder, "postgres"), join(cacheFolder, "redis")];

/** @returns {string | undefined} the folder of Postgres' programs `initdb` and `postgres`: the machine's own, or the unpacked one */
export function postgresPrograms() {
  // Debian has a folder for each version; the highest one counts.
  const versions = ["", postgresRoot].flatMap((root) => {
    const folder = `${root}/usr/lib/postgresql`;
    const names = existsSync(folder) ? readdirSync(folder) : [];
    return names.sort((one, other) => Number(other) - Number(one)).map((version) => join(folder, version, "bin"));
  });
  const others = ["/usr/bin", "/usr/local/bin", "/usr/local/pgsql/bin", "/opt/homebrew/bin"];
  return [...versions, ...others].find((folder) =>
    ["initdb", "postgres"].every((name) => existsSync(join(folder, name))),
  );
}

/** @returns {string | undefined} the program of Redis' server: the machine's own, or the unpacked one */
export function redisServer() {
  const unpacked = join(redisRoot, "usr/bin/redis-server");
  return isOnPath("redis-server") ? "redis-server" : existsSync(unpacked) ? unpacked : undefined;
}

/** Unpacks Postgres and Redis into the project's own folder, unless they are there. Nothing is installed, and no service is started. */
export function prepareDatabases() {
  if (!postgresPrograms() && hasApt()) {
    aptUnpack(["postgresql"], postgresRoot);
    const folder = postgresPrograms();
    if (folder) for (const name of ["initdb", "postgres"]) linkToSiblings(join(folder, name), postgresRoot);
  }
  if (!redisServer() && hasApt()) {
    aptUnpack(["redis-server"], redisRoot);
    const server = redisServer();
    if (server) linkToSiblings(server, redisRoot);
  }
  if (!postgresPrograms()) throw new SetupError(`Postgres is missing. ${howToInstall("postgres")}`);
  if (!redisServer()) throw new SetupError(`Redis is missing. ${howToInstall("redis")}`);
}
