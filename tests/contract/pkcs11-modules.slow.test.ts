import { afterAll } from "@jest/globals";
import { Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { MODULES } from "../support/pkcs11-modules.ts";
import { createToken } from "../support/softhsm-env.ts";
import { describeSignerContract } from "./suite.ts";

const token = createToken("contract-modules");
const closing: (() => Promise<void> | void)[] = [];
let count = 0;

for (const [name, open] of MODULES) {
  describeSignerContract(`Pkcs11Signer over SoftHSM2 as another module: ${name}`, async () => {
    const module = open();
    closing.push(() => module.remove());
    return {
      create: async (privateKey, provider) => {
        count += 1;
        const keyLabel = `key-${count}`;
        token.importKey(privateKey, { label: keyLabel, id: `0x${count.toString(16).padStart(4, "0")}` });
        const { libraryPath } = module;
        const signer = new Pkcs11Signer({ libraryPath, tokenLabel: token.label, pin: token.pin, keyLabel }, provider);
        closing.unshift(() => signer.close());
        return signer;
      },
    };
  });
}

afterAll(async () => {
  for (const close of closing) await close();
});
