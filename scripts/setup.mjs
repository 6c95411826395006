// Brings what the demo and the tests need beyond npm's packages: SoftHSM2, pkcs11js compiled for this machine, p11-kit, Postgres and Redis.

import { prepareDatabases } from "./setup/databases.mjs";
import { prepareP11Kit } from "./setup/p11-kit.mjs";
import { preparePkcs11js } from "./setup/pkcs11js.mjs";
import { SetupError } from "./setup/setup-error.mjs";
import { prepareSoftHsm, softHsmLibrary } from "./setup/softhsm.mjs";

try {
  prepareSoftHsm();
  preparePkcs11js();
  prepareOptional();
  console.log(`setup: ready (SoftHSM2 is ${softHsmLibrary()}, pkcs11js is compiled)`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`setup: ${error.message}`);
  process.exitCode = 1;
}

/** Only tests use these, and those say what is missing: the demo goes on without. */
function prepareOptional() {
  for (const { prepare, tests } of [
    { prepare: prepareP11Kit, tests: "over p11-kit's remoting" },
    { prepare: prepareDatabases, tests: "of shared nonce stores" },
  ]) {
    try {
      prepare();
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      console.warn(`setup: ${error.message}\n  Only the tests ${tests} need it.`);
    }
  }
}
