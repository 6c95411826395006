import { type Command, KEY_OPTIONS } from "../command.ts";
import type { Context } from "../context.ts";
import { requireUsage } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { withStore } from "../keys.ts";
import { type MakingStore, newKeyName, reportKey } from "../new-key.ts";

export const importKey: Command = {
  name: "import",
  summary: "move an existing private key into the backend",
  details: [
    "Moves a private key (64 hexadecimal digits, with or without 0x) into the key that the URI names, and reports success",
    "after that key has signed. The private key comes from a file, from the standard input (-), from",
    "ETHERS_HSM_PRIVATE_KEY, or from a prompt that does not show it; never from the command line, which others can read.",
    "Its other copies stay as safe as the places where they are: destroy them afterwards.",
  ],
  options: {
    ...KEY_OPTIONS,
    "private-key-file": { type: "string", value: "FILE", help: "the file that holds the private key; - for stdin" },
    "expected-address": { type: "string", value: "ADDRESS", help: "refuse any other account before anything is made" },
  },
  examples: [
    "import --key 'aws-kms:alias/treasury?region=eu-west-1'   # asks for the private key",
    "import --key azure-key-vault:https://treasury.vault.azure.net/keys/hot-wallet --private-key-file key.hex",
    "import --key gcp-kms:projects/acme/locations/europe-west1/keyRings/eth/cryptoKeys/treasury",
    "import --key 'pkcs11:token=treasury;object=hot?module-name=softhsm2&pin-source=env:PIN' --private-key-file - < key.hex",
  ],
  run: (context) =>
    withStore(context, undefined, async (store, uri) => {
      const name = newKeyName(uri);
      const expectedAddress = context.text("expected-address");
      const options = { ...name, ...(expectedAddress === undefined ? {} : { expectedAddress }) };
      const stored = await (store as MakingStore).importKey(await readPrivateKey(context), options);
      reportKey(context, uri, stored, "imported");
      return EXIT.ok;
    }),
};

async function readPrivateKey(context: Context): Promise<string> {
  const file = context.text("private-key-file");
  const given =
    file === undefined ? process.env["ETHERS_HSM_PRIVATE_KEY"] : await context.read(file, "--private-key-file");
  const text = given || (await ask(context));
  const [, digits] = /^\s*(?:0x)?([\da-f]{64})\s*$/i.exec(text) ?? [];
  requireUsage(
    digits !== undefined,
    "the private key must be 64 hexadecimal digits, with or without 0x, and nothing else",
  );
  return `0x${digits}`;
}

async function ask({ terminal }: Context): Promise<string> {
  const message =
    "no private key: pass --private-key-file FILE, or set ETHERS_HSM_PRIVATE_KEY; there is no terminal to ask at";
  requireUsage(terminal.isInteractive, message);
  return terminal.askHidden("Private key (it is not shown): ");
}
