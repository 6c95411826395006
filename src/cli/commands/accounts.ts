import { isStoredKey, type ListedKey } from "../../accounts/key-store.ts";
import { type Command, KEY_OPTIONS } from "../command.ts";
import { toJson } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { requirePin, withStore } from "../keys.ts";
import { nameColumn } from "../printable.ts";

export const accounts: Command = {
  name: "accounts",
  summary: "list the accounts of a Region, a vault, a location or a token",
  details: [
    "Lists every secp256k1 signing key of the place that the URI is in; the part that names a key may be left out.",
    "Keys that cannot be used now are listed with the reason. With --json each key is a line of its own.",
  ],
  options: {
    ...KEY_OPTIONS,
    prefix: { type: "string", value: "TEXT", help: "only keys whose alias, name or label begins with it" },
  },
  examples: [
    "accounts --key 'aws-kms:?region=eu-west-1'",
    "accounts --key azure-key-vault:https://treasury.vault.azure.net --prefix payout- --json",
    "accounts --key gcp-kms:projects/acme/locations/europe-west1",
    "accounts --key 'pkcs11:token=treasury?module-path=/usr/lib/softhsm/libsofthsm2.so'   # asks for the PIN",
  ],
  run: (context) =>
    withStore(context, context.text("prefix"), async (store) => {
      let count = 0;
      for await (const listed of store.list()) {
        count += 1;
        context.terminal.print(context.json ? toJson(documentOf(listed)) : lineOf(listed));
        context.terminal.progress(`${count} ${count === 1 ? "key" : "keys"} so far …`);
      }
      context.terminal.endProgress();
      if (count === 0) {
        const nothing = `no secp256k1 signing key in ${store.backend} ${store.id}`;
        requirePin(context, nothing);
        if (!context.json) context.terminal.note(nothing);
      }
      return EXIT.ok;
    }),
};

function documentOf(listed: ListedKey): Readonly<Record<string, unknown>> {
  if (isStoredKey(listed)) {
    const { address, name, key } = listed;
    return { address, name: name ?? null, backend: key.backend, keyId: key.id };
  }
  const { id, name, error } = listed;
  return { address: null, name: name ?? null, keyId: id, error: { code: error.code, message: error.message } };
}

function lineOf(listed: ListedKey): string {
  const name = listed.name === undefined ? "-" : nameColumn(listed.name);
  if (isStoredKey(listed)) return [listed.address, name, listed.key.id].join("  ");
  const { id, error } = listed;
  return `${"unusable".padEnd(42)}  ${name}  ${id}  [${error.code}] ${error.message}`;
}
