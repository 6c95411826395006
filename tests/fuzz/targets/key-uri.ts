import { deepStrictEqual, strictEqual } from "node:assert";
import { isError } from "ethers";
import { pkcs11Uri } from "../../../src/pkcs11/uri.ts";
import { parseKeyUri } from "../../../src/uri/key-uri.ts";
import type { KeyUri, Pkcs11KeyUri } from "../../../src/uri/parsed-uri.ts";
import { bytesOf, textOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

const URIS = [
  "pkcs11:token=treasury;object=hot%20key;id=%01%ab?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=env:PIN",
  "pkcs11:manufacturer=SoftHSM%20project;model=SoftHSM%20v2;serial=0f;slot-id=7;type=private;object=%ff",
  "pkcs11:library-description=a;library-manufacturer=b;library-version=2.6;slot-description=c;slot-manufacturer=d;token=",
  "pkcs11:x-slot-index=0;id=%00?module-name=softhsm2&pin-source=file:/run/pin&x-other=1",
  "cloudhsm:object=treasury?pin-source=file:///run/secrets/pin",
  "aws-kms:arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
  "aws-kms:alias/treasury?region=eu-west-1&profile=prod&endpoint=https://kms.example&useFipsEndpoint=true",
  "azure-key-vault:https://treasury.vault.azure.net/keys/hot/0123456789abcdef0123456789abcdef?serviceVersion=7.5",
  "gcp-kms:projects/acme/locations/europe-west1/keyRings/eth/cryptoKeys/treasury/cryptoKeyVersions/1?endpoint=https://kms.example",
  "azure-key-vault:http://localhost:8443/keys/hot?allowInsecureConnection=true&disableChallengeResourceVerification=false",
];

// A query's unknown attribute is a warning of the process, whose queue would only grow here.
process.emitWarning = () => {};

/** The same key in a URI that is made again from what was read. */
function rewritten(uri: KeyUri): string {
  if (uri.backend === "aws-kms") {
    const { keyId = "", ...query } = uri.options;
    return `aws-kms:${keyId}${queryOf(query)}`;
  }
  if (uri.backend === "azure-key-vault") {
    const { vaultUrl, keyName, keyVersion, ...query } = uri.options;
    const path = [vaultUrl, ...(keyName === undefined ? [] : ["keys", keyName, keyVersion ?? []].flat())].join("/");
    return `azure-key-vault:${path}${queryOf(query)}`;
  }
  if (uri.backend === "gcp-kms") {
    const { keyVersion: _name, ...query } = uri.options;
    return `gcp-kms:${uri.resource}${queryOf(query)}`;
  }
  const { options, pinSource, module } = uri;
  const { keyLabel, keyId, ...token } = options;
  const path = pkcs11Uri({ token, key: { label: keyLabel, id: keyId } } as never).replace(/^pkcs11/, uri.backend);
  return path + queryOf({ "pin-source": pinSource, "module-path": module.path, "module-name": module.name });
}

function queryOf(query: object): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0 ? "" : `?${given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")}`;
}

/** How many attributes a PKCS#11 URI has that say something: `type` is only checked, others of the query have no effect. */
function attributesOf(text: string): number {
  const [, path = "", query = ""] = /^[^:]*:([^?]*)(?:\?(.*))?$/s.exec(text) ?? [];
  const names = (part: string, delimiter: string) => part.split(delimiter).map((each) => each.replace(/=.*/s, ""));
  const said = names(path, ";").filter((name) => name !== "" && name !== "type");
  return said.length + names(query, "&").filter((name) => /^(?:pin-source|module-(?:name|path))$/.test(name)).length;
}

/** How many values were read of a PKCS#11 URI. */
function membersOf({ options, pinSource, module }: Pkcs11KeyUri): number {
  const { match = {}, ...others } = options;
  const all = [others, match, { pinSource }, module].flatMap((part) => Object.values(part));
  return all.filter((value) => value !== undefined).length;
}

/**
 * A key's URI (RFC 7512, and the vendors'): written again from what was read, it is read as the same; and of a PKCS#11 URI
 * nothing is left out.
 */
export const target: FuzzTarget<KeyUri> = {
  maxLength: 16_384,
  seeds: () => URIS.map(bytesOf),
  decode: (input) => parseKeyUri(textOf(input)),
  allows: (error) => isError(error, "INVALID_ARGUMENT"),
  confirm(input, output) {
    deepStrictEqual(parseKeyUri(rewritten(output)), output);
    if (output.backend === "pkcs11" || output.backend === "cloudhsm") {
      strictEqual(membersOf(output), attributesOf(textOf(input)));
    }
  },
};
