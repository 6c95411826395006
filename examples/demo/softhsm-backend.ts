import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Provider } from "ethers";
import { CloudHsmSigner } from "ethers-hsm/cloudhsm";
import { Pkcs11Signer } from "ethers-hsm/pkcs11";
import { softHsmLibrary } from "../../scripts/setup/softhsm.mjs";
import { SoftHsmToken } from "../../tests/support/softhsm.ts";
import { writeSoftHsmConfiguration } from "../../tests/support/softhsm-configuration.ts";
import type { DemoBackend } from "./backend.ts";

const TOKEN = "demo-token";
const KEY = "demo-key";

/** A PKCS#11 token of SoftHSM2, in a temporary folder, with a key pair made inside it: not extractable. */
export function softHsmBackend(preset: "pkcs11" | "cloudhsm"): DemoBackend {
  const libraryPath = softHsmLibrary();
  if (libraryPath === undefined) throw new Error("SoftHSM2 is missing; run npm run setup");
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-demo-"));
  return {
    description: `${preset === "cloudhsm" ? "CloudHsmSigner" : "Pkcs11Signer"} over PKCS#11, ${libraryPath}`,
    async open(provider: Provider) {
      // SoftHSM2 reads its configuration when it is initialised, so this comes before the first use of the library.
      process.env["SOFTHSM2_CONF"] = writeSoftHsmConfiguration(folder);
      if (preset === "pkcs11") {
        const token = SoftHsmToken.create(libraryPath, TOKEN);
        token.generateKey({ label: KEY });
        return new Pkcs11Signer({ libraryPath, tokenLabel: TOKEN, pin: token.pin, keyLabel: KEY }, provider);
      }
      const [user, password] = ["crypto-user", "demo-password"];
      SoftHsmToken.create(libraryPath, TOKEN, `${user}:${password}`).generateKey({ label: KEY });
      return new CloudHsmSigner({ libraryPath, tokenLabel: TOKEN, user, password, keyLabel: KEY }, provider);
    },
    async close() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
