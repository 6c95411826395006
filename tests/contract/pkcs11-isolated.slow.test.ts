import { afterAll } from "@jest/globals";
import { Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { createToken } from "../support/softhsm-env.ts";
import { describeSignerContract } from "./suite.ts";

const token = createToken("contract-isolated");
const signers: Pkcs11Signer[] = [];

describeSignerContract("Pkcs11Signer over SoftHSM2 in a process of its own", async () => ({
  create: async (privateKey, provider) => {
    const keyLabel = `key-${signers.length}`;
    token.importKey(privateKey, { label: keyLabel });
    const { libraryPath, label: tokenLabel, pin } = token;
    const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel, isolation: "process" }, provider);
    signers.push(signer);
    return signer;
  },
}));

afterAll(async () => {
  await Promise.all(signers.map((signer) => signer.close()));
});
