import type { Provider } from "ethers";
import { Pkcs11Signer } from "ethers-hsm/pkcs11";
import type { DemoBackend } from "./backend.ts";

/** A key in a token that you have: the library, the token's label and the PIN are read from the environment. */
export function pkcs11Backend(keyLabel: string): DemoBackend {
  const [libraryPath, tokenLabel, pin] = ["PKCS11_LIBRARY", "PKCS11_TOKEN", "PKCS11_PIN"].map((name) => {
    const value = process.env[name];
    if (!value) throw new Error(`set PKCS11_LIBRARY, PKCS11_TOKEN and PKCS11_PIN: ${name} is not set`);
    return value;
  }) as [string, string, string];
  return {
    description: `Pkcs11Signer over ${libraryPath}`,
    open: async (provider: Provider) => new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel }, provider),
    close: async () => undefined,
  };
}
