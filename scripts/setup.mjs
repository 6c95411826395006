// Brings what the demo and the tests need beyond npm's packages: SoftHSM2, and pkcs11js compiled for this machine.

import { preparePkcs11js } from "./setup/pkcs11js.mjs";
import { SetupError } from "./setup/setup-error.mjs";
import { prepareSoftHsm, softHsmLibrary } from "./setup/softhsm.mjs";

try {
  prepareSoftHsm();
  preparePkcs11js();
  console.log(`setup: ready (SoftHSM2 is ${softHsmLibrary()}, pkcs11js is compiled)`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`setup: ${error.message}`);
  process.exitCode = 1;
}
