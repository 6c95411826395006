import pkcs11js from "pkcs11js";
import { configureSoftHsm } from "./token.ts";

/** What the module says of itself: PKCS#11 v2.40, C_GetInfo, `libraryVersion`. */
export function softHsmVersion(libraryPath: string): string {
  configureSoftHsm();
  const cryptoki = new pkcs11js.PKCS11();
  cryptoki.load(libraryPath);
  cryptoki.C_Initialize();
  try {
    const { major, minor } = cryptoki.C_GetInfo().libraryVersion;
    return `${major}.${minor}`;
  } finally {
    cryptoki.C_Finalize();
    cryptoki.close();
  }
}
