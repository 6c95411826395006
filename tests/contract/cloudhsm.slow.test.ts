import { afterAll } from "@jest/globals";
import { CloudHsmSigner } from "../../src/cloudhsm/index.ts";
import { SoftHsmToken } from "../support/softhsm.ts";
import { softHsmPath } from "../support/softhsm-env.ts";
import { describeSignerContract } from "./suite.ts";

// SoftHSM2 in the place of AWS's library, with a PIN of AWS's form.
const token = SoftHsmToken.create(softHsmPath(), `cloudhsm-${process.pid}`, "crypto-user:correct horse");
const signers: CloudHsmSigner[] = [];

describeSignerContract("CloudHsmSigner over SoftHSM2", async () => ({
  create: async (privateKey, provider) => {
    const keyLabel = `key-${signers.length}`;
    token.importKey(privateKey, { label: keyLabel });
    const { libraryPath, slot } = token;
    const signer = new CloudHsmSigner(
      { libraryPath, slot, user: "crypto-user", password: async () => "correct horse", keyLabel },
      provider,
    );
    signers.push(signer);
    return signer;
  },
}));

afterAll(async () => {
  await Promise.all(signers.map((signer) => signer.close()));
});
