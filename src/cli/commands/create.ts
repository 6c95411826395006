import { type Command, KEY_OPTIONS } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { withStore } from "../keys.ts";
import { type MakingStore, newKeyName, reportKey } from "../new-key.ts";

export const create: Command = {
  name: "create",
  summary: "make a new key, which the backend generates",
  details: [
    "Makes the key that the URI names: an alias in AWS KMS, a name in Azure Key Vault or Google Cloud KMS, a label (object=) on a token.",
    "The key signs and does nothing else, and cannot leave the backend. A key in AWS KMS costs money by the month.",
  ],
  options: KEY_OPTIONS,
  examples: [
    "create --key 'aws-kms:alias/treasury?region=eu-west-1'",
    "create --key azure-key-vault:https://treasury.vault.azure.net/keys/hot-wallet",
    "create --key gcp-kms:projects/acme/locations/europe-west1/keyRings/eth/cryptoKeys/treasury",
    "create --key 'pkcs11:token=treasury;object=hot-wallet?module-path=/usr/lib/softhsm/libsofthsm2.so'",
  ],
  run: (context) =>
    withStore(context, undefined, async (store, uri) => {
      const stored = await (store as MakingStore).createKey(newKeyName(uri));
      reportKey(context, uri, stored, "created");
      return EXIT.ok;
    }),
};
