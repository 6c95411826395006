import { afterAll } from "@jest/globals";
import { Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { P11KitServer } from "../support/p11-kit.ts";
import { p11KitPaths } from "../support/p11-kit-env.ts";
import { createToken } from "../support/softhsm-env.ts";
import { describeSignerContract } from "./suite.ts";

const token = createToken("remote");
const starting = P11KitServer.start(p11KitPaths(), token.libraryPath, token.label);
const signers: Pkcs11Signer[] = [];

describeSignerContract("Pkcs11Signer over SoftHSM2 behind p11-kit's remoting", async () => {
  const { libraryPath } = await starting;
  return {
    create: async (privateKey, provider) => {
      const keyLabel = `key-${signers.length}`;
      token.importKey(privateKey, { label: keyLabel });
      const { label: tokenLabel, pin } = token;
      const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel }, provider);
      signers.push(signer);
      return signer;
    },
  };
});

afterAll(async () => {
  await Promise.all(signers.map((signer) => signer.close()));
  await (await starting).close();
});
