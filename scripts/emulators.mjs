// Third-party emulators of the vendors' services, for the suites in tests/interop.
//
//   node scripts/emulators.mjs                 installs all of them
//   node scripts/emulators.mjs missing NAME    says why one cannot be started, or nothing
//   node scripts/emulators.mjs start NAME      starts one on loopback, prints its URL, and runs it until stdin ends

import { once } from "node:events";
import { localstack } from "./emulators/localstack.mjs";
import { moto } from "./emulators/moto.mjs";
import { SetupError } from "./setup/setup-error.mjs";

const emulators = [localstack, moto];
const [command = "install", name = ""] = process.argv.slice(2);

try {
  if (command === "install") installAll();
  else if (command === "missing") console.log(named(name).missing() ?? "");
  else if (command === "start") await runUntilStdinEnds(named(name));
  else throw new SetupError(`${command} is no command; see the top of scripts/emulators.mjs.`);
} catch (error) {
  report(error);
}

// Suites of those that cannot be installed are skipped, or fail in CI.
function installAll() {
  for (const emulator of emulators) {
    try {
      emulator.install();
      console.log(`emulators: ${emulator.name} is installed`);
    } catch (error) {
      report(error);
    }
  }
}

/** @param {import("./emulators/emulator.mjs").Emulator} emulator */
async function runUntilStdinEnds(emulator) {
  const server = await emulator.start();
  console.log(server.url);
  await once(process.stdin.resume(), "end");
  await server.stop();
}

/** @param {string} wanted */
function named(wanted) {
  const found = emulators.find((emulator) => emulator.name === wanted);
  if (!found)
    throw new SetupError(
      `there is no emulator "${wanted}"; there are ${emulators.map((each) => each.name).join(", ")}.`,
    );
  return found;
}

/** @param {unknown} error */
function report(error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`emulators: ${error.message}`);
  process.exitCode = 1;
}
