// Brings what the demo and the tests need beyond npm's packages: SoftHSM2, pkcs11js compiled for this machine, and p11-kit.

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

/** Only tests use p11-kit, and those say that it is missing: the demo goes on without it. */
function prepareOptional() {
  try {
    prepareP11Kit();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.warn(`setup: ${error.message}\n  Only the tests over p11-kit's remoting need it.`);
  }
}
