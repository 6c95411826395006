import { describe, expect, test } from "@jest/globals";
import { parseKeyUri } from "ethers-hsm/uri";
import { refusalOf } from "./rejection.ts";

const KEY_ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ALIAS_ARN = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/pay/roll";
const VERSION = "projects/acme/locations/europe-west1/keyRings/eth/cryptoKeys/treasury/cryptoKeyVersions/1";
const VAULT = "https://treasury.vault.azure.net";

describe("a cloud's URI", () => {
  test.each<[uri: string, options: Record<string, unknown>]>([
    ["aws-kms:alias/treasury?region=eu-west-1", { keyId: "alias/treasury", region: "eu-west-1" }],
    [`aws-kms:${KEY_ARN}`, { keyId: KEY_ARN }],
    [`aws-kms:${ALIAS_ARN}`, { keyId: ALIAS_ARN }],
    ["aws-kms:mrk-1234abcd12ab34cd56ef1234567890ab", { keyId: "mrk-1234abcd12ab34cd56ef1234567890ab" }],
    ["aws-kms:?region=eu-west-1", { region: "eu-west-1" }],
    ["aws-kms:a?profile=ops%20team&useFipsEndpoint=true", { keyId: "a", profile: "ops team", useFipsEndpoint: true }],
    ["aws-kms:a?endpoint=http://127.0.0.1:4566", { keyId: "a", endpoint: "http://127.0.0.1:4566" }],
    [`azure-key-vault:${VAULT}/keys/hot-wallet`, { vaultUrl: VAULT, keyName: "hot-wallet" }],
    [`azure-key-vault:${VAULT}/keys/k/0a1b`, { vaultUrl: VAULT, keyName: "k", keyVersion: "0a1b" }],
    [`azure-key-vault:${VAULT}`, { vaultUrl: VAULT }],
    [
      "azure-key-vault:http://127.0.0.1:8080/keys/k?allowInsecureConnection=true&serviceVersion=7.5",
      { vaultUrl: "http://127.0.0.1:8080", keyName: "k", allowInsecureConnection: true, serviceVersion: "7.5" },
    ],
    [`gcp-kms:${VERSION}`, { keyVersion: VERSION }],
    [`GCP-KMS:${VERSION}?endpoint=http://127.0.0.1:8080`, { keyVersion: VERSION, endpoint: "http://127.0.0.1:8080" }],
    [
      `gcp-kms:${VERSION.replace("acme", "example.com:acme")}`,
      { keyVersion: VERSION.replace("acme", "example.com:acme") },
    ],
    ["gcp-kms:projects/acme/locations/europe-west1", {}],
    ["gcp-kms:projects/acme/locations/europe-west1/keyRings/eth/cryptoKeys/treasury", {}],
  ])("%s", (uri, options) => {
    expect(parseKeyUri(uri).options).toEqual(options);
  });

  test.each<[uri: string, message: RegExp]>([
    ["aws-kms:alias/a b", /^a key id, a key ARN, an alias/],
    ["aws-kms:a?regoin=planted", /^the attribute regoin at position 11 is unknown; known are region, profile/],
    ["aws-kms:a?region=eu-west-1&region=planted", /^the attribute region is there twice/],
    ["aws-kms:a?region=", /^the attribute region at position 11 is empty/],
    ["aws-kms:a?region=evil.example/", /^region must be a Region's name/],
    ["aws-kms:a?endpoint=planted", /^endpoint must be a URL of https: or http:/],
    ["aws-kms:a?endpoint=ftp://planted", /^endpoint must be a URL of https: or http:/],
    ["aws-kms:a?endpoint=https://planted:planted@host", /^endpoint must not hold a user name/],
    ["aws-kms:a?useFipsEndpoint=yes", /^useFipsEndpoint must be true or false/],
    ["aws-kms:a?secretAccessKey=planted", /^the attribute secretAccessKey at position 11 is unknown/],
    ["azure-key-vault:planted", /^the key's identifier must follow/],
    [`azure-key-vault:${VAULT}/secrets/planted`, /^the path after the vault must be/],
    [`azure-key-vault:${VAULT}/keys/k/v/planted`, /^the path after the vault must be/],
    ["azure-key-vault:https://planted:planted@v.vault.azure.net/keys/k", /^it must not hold a user name/],
    ["gcp-kms:planted", /^the full name of a key version must follow/],
    [`gcp-kms://${VERSION}`, /^the full name of a key version must follow/],
    [`gcp-kms:${VERSION}/planted`, /^the full name of a key version must follow/],
    [`gcp-kms:${VERSION.replace(/1$/, "0")}`, /^the full name of a key version must follow/],
    [`gcp-kms:${VERSION}?endpoint=https://planted:planted@host`, /^endpoint must not hold a user name/],
    [`gcp-kms:${VERSION}?token=planted`, /^the attribute token at position \d+ is unknown/],
    [`azure-key-vault:${VAULT}/keys/k?clientSecret=planted`, /^the attribute clientSecret at position \d+ is unknown/],
  ])("%s is refused", (uri, message) => {
    expect(refusalOf(() => parseKeyUri(uri))).toMatch(message);
  });
});
