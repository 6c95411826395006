import pkcs11js from "pkcs11js";
import type { SoftHsmToken } from "./softhsm.ts";

type Library = Parameters<Parameters<SoftHsmToken["withSession"]>[0]>[0];

const FLAGS = ["TOKEN", "PRIVATE", "SENSITIVE", "EXTRACTABLE", "SIGN", "DECRYPT", "UNWRAP", "DERIVE"] as const;

/** The handles of the token's objects with this label. */
export function objectsNamed(token: SoftHsmToken, label: string): Buffer[] {
  let found: Buffer[] = [];
  token.withSession((library, session) => {
    found = find(library, session, [{ type: pkcs11js.CKA_LABEL, value: label }]);
  });
  return found;
}

/** How many secret keys this process sees on the token, those of its sessions included. */
export function countSecretKeys(token: SoftHsmToken): number {
  let count = 0;
  token.withSession((library, session) => {
    count = find(library, session, [{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY }]).length;
  });
  return count;
}

/** What the token says of the one private key with this label. */
export function privateAttributes(token: SoftHsmToken, label: string): Record<string, boolean> {
  let attributes: Record<string, boolean> = {};
  token.withSession((library, session) => {
    const [key, another] = find(library, session, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
      { type: pkcs11js.CKA_LABEL, value: label },
    ]);
    if (!key || another) throw new Error(`there is not one private key labelled ${label}`);
    const types = FLAGS.map((name) => ({ type: pkcs11js[`CKA_${name}`] }));
    const values = library.C_GetAttributeValue(session, key, types);
    attributes = Object.fromEntries(FLAGS.map((name, index) => [name, values[index]?.value?.[0] === 1]));
  });
  return attributes;
}

function find(library: Library, session: Buffer, template: Parameters<Library["C_FindObjectsInit"]>[1]): Buffer[] {
  library.C_FindObjectsInit(session, template);
  const found = library.C_FindObjects(session, 100);
  library.C_FindObjectsFinal(session);
  return found;
}
