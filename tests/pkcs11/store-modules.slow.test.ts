import { afterAll, describe, jest } from "@jest/globals";
import { MODULES } from "../support/pkcs11-modules.ts";
import { softHsmPath } from "../support/softhsm-env.ts";

const SUITES = ["store", "store-create", "store-import", "store-sessions", "store-abort"];

const softHsm = softHsmPath();
const removed: (() => void)[] = [];

// The suites are loaded once for each module, which they take for SoftHSM2.
describe.each(MODULES)("the store's tests over SoftHSM2 as another module: %s", (_name, open) => {
  const module = open();
  removed.push(() => module.remove());
  process.env["ETHERS_HSM_SOFTHSM_LIBRARY"] = module.libraryPath;
  jest.isolateModules(() => {
    for (const suite of SUITES) {
      describe(suite, () => {
        require(`./${suite}.test.ts`);
      });
    }
  });
  process.env["ETHERS_HSM_SOFTHSM_LIBRARY"] = softHsm;
});

afterAll(() => {
  for (const remove of removed) remove();
});
