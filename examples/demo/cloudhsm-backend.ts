import type { Provider } from "ethers";
import { CloudHsmSigner } from "ethers-hsm/cloudhsm";
import type { DemoBackend } from "./backend.ts";

/** A key in AWS CloudHSM, through AWS's own PKCS#11 library. */
export function cloudHsmBackend(keyLabel: string): DemoBackend {
  const pin = process.env["CLOUDHSM_PIN"];
  if (pin === undefined) throw new Error("set CLOUDHSM_PIN to the crypto user's user:password");
  return {
    description: "CloudHsmSigner over AWS CloudHSM",
    open: async (provider: Provider) => new CloudHsmSigner({ pin, keyLabel }, provider),
    close: async () => undefined,
  };
}
