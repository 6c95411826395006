import { describe, expect, jest, test } from "@jest/globals";
import { getBytes } from "ethers";
import { parseKeyUri } from "ethers-hsm/uri";
import fc from "fast-check";
import type { Pkcs11TokenMatch, TokenSelector } from "../../src/pkcs11/options.ts";
import { pkcs11Uri } from "../../src/pkcs11/uri.ts";
import { refusalOf } from "./rejection.ts";

const optionsOf = (uri: string) => parseKeyUri(uri).options;

describe("a pkcs11: URI (RFC 7512)", () => {
  test.each<[uri: string, options: Record<string, unknown>]>([
    ["pkcs11:", {}],
    ["PKCS11:token=t", { tokenLabel: "t" }],
    ["pkcs11:token=My%20token%25;object=a%3Bb", { tokenLabel: "My token%", keyLabel: "a;b" }],
    ["pkcs11:object=caf%C3%A9", { keyLabel: "café" }],
    ["pkcs11:object=:[]@!$'()*+,=&-._~", { keyLabel: ":[]@!$'()*+,=&-._~" }],
    ["pkcs11:id=%00%01%fF%3B;object=k", { keyId: getBytes("0x0001ff3b"), keyLabel: "k" }],
    ["pkcs11:id=abc", { keyId: getBytes("0x616263") }],
    ["pkcs11:object=%FF%FE;type=private", { keyLabel: getBytes("0xfffe") }],
    ["pkcs11:slot-id=2305843009213693953;object=k", { slot: 0x2000000000000001n, keyLabel: "k" }],
    ["pkcs11:token=t;slot-id=3", { slot: 3n, match: { label: "t" } }],
    ["pkcs11:token=;object=k", { match: { label: "" }, keyLabel: "k" }],
    ["pkcs11:x-slot-index=0;object=k", { slotIndex: 0, keyLabel: "k" }],
    [
      "pkcs11:manufacturer=Snake%20Oil,%20Inc.;model=M;serial=0001;slot-description=d;slot-manufacturer=s;" +
        "library-description=l;library-manufacturer=lm;library-version=3",
      {
        match: {
          ...{ manufacturer: "Snake Oil, Inc.", model: "M", serialNumber: "0001", slotDescription: "d" },
          ...{ slotManufacturer: "s", libraryDescription: "l", libraryManufacturer: "lm", libraryVersion: "3.0" },
        },
      },
    ],
    ["pkcs11:library-version=2.40", { match: { libraryVersion: "2.40" } }],
  ])("%s", (uri, options) => {
    expect(optionsOf(uri)).toEqual(options);
  });

  test("its query says where the PIN and the library are", () => {
    const uri = "pkcs11:object=k?module-path=/usr/lib/x%26y.so&module-name=n&pin-source=file:/etc/pin|?";
    expect(parseKeyUri(uri)).toMatchObject({
      backend: "pkcs11",
      pinSource: "file:/etc/pin|?",
      module: { path: "/usr/lib/x&y.so", name: "n" },
    });
    expect(parseKeyUri("cloudhsm:object=k?pin-source=env:P")).toMatchObject({
      backend: "cloudhsm",
      pinSource: "env:P",
    });
  });

  test.each<[uri: string, message: RegExp | string]>([
    ["", "it must begin with aws-kms:, azure-key-vault:, gcp-kms:, pkcs11:, cloudhsm:"],
    ["https://planted", /^it must begin with/],
    ["pkcs11", /^it must begin with/],
    ["pkcs11:token", "an attribute name=value is expected at position 8"],
    ["pkcs11:token=a;;object=b", "an attribute name=value is expected at position 16"],
    ["pkcs11:token=a;", "an attribute name=value is expected at position 16"],
    ["pkcs11:=planted", /expected at position 8/],
    ["pkcs11:to%6Ben=a", /expected at position 8/],
    ["pkcs11:token=a;token=planted", "the attribute token is there twice, again at position 16"],
    ["pkcs11:token=a%2", "% must be followed by two hexadecimal digits, in token at position 15"],
    ["pkcs11:token=a%zzplanted", /two hexadecimal digits, in token at position 15/],
    ["pkcs11:token=a b", "the character blank must be percent-encoded, in token at position 15"],
    ["pkcs11:token=é", "the character beyond ASCII must be percent-encoded, in token at position 14"],
    ["pkcs11:token=a/b", /the character "\/" must be percent-encoded, in token at position 15/],
    ["pkcs11:token=%FF", "the attribute token at position 8 is not UTF-8"],
    ["pkcs11:object=a#planted", /^# at position 16 must be percent-encoded/],
    ["pkcs11:object=a\nb", "the character of control must be percent-encoded, in object at position 16"],
    ["pkcs11:x-planet=planted", /^the attribute x-planet at position 8 is unknown/],
    ["pkcs11:Token=planted", /^the attribute Token at position 8 is unknown/],
    ["pkcs11:type=public;object=k", "type at position 8 must be private: only a private key signs"],
    ["pkcs11:type=planted", "type at position 8 is none of RFC 7512's"],
    ["pkcs11:slot-id=0x1", /^slot-id at position 8 must be a decimal number/],
    ["pkcs11:slot-id=18446744073709551616", /^slot-id at position 8 must be/],
    ["pkcs11:slot-id=1;x-slot-index=1", "slot-id and x-slot-index exclude each other"],
    ["pkcs11:library-version=1.256", /^library-version at position 8 must be M or M.N/],
    ["pkcs11:library-version=1.", /^library-version at position 8/],
    ["pkcs11:object=", "object at position 8 is empty: a key without one cannot be named by it"],
    ["pkcs11:id=", /^id at position 8 is empty/],
    ["pkcs11:object=k?pin-value=planted", /^pin-value at position 17 is refused, since others see URIs/],
    ["pkcs11:object=k?pin-source=env:A&pin-value=planted", /^pin-value at position 34 is refused/],
    ["pkcs11:object=k?pin-source=", "pin-source at position 17 is empty"],
    ["pkcs11:object=k?pin-source=a&pin-source=planted", /^the attribute pin-source is there twice/],
    ["pkcs11:object=k?module-path=a b", /^the character blank must be percent-encoded, in module-path at position 30/],
  ])("%s is refused", (uri, message) => {
    const refusal = refusalOf(() => parseKeyUri(uri));
    if (typeof message === "string") expect(refusal).toBe(message);
    else expect(refusal).toMatch(message);
  });

  test("an unknown attribute of the query has no effect, and a warning says so", () => {
    const warned = jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    expect(parseKeyUri("pkcs11:object=k?x-a=1&x-a=2")).toEqual({
      ...{ backend: "pkcs11", options: { keyLabel: "k" }, pinSource: undefined },
      module: { path: undefined, name: undefined },
    });
    expect(warned).toHaveBeenCalledWith(expect.stringContaining("x-a"), { code: "ETHERS_HSM_URI_ATTRIBUTE" });
    warned.mockRestore();
  });

  test("whatever a key's id says is read back as the same token and key", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 32 });
    const members = {
      manufacturer: text,
      model: text,
      serialNumber: text,
      slotDescription: text,
      libraryManufacturer: text,
    };
    const match = fc.option(fc.record<Pkcs11TokenMatch>(members, { requiredKeys: [] }), { nil: undefined });
    const selector = fc.oneof(
      fc.record({ tokenLabel: text }),
      fc.record({ slot: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
      fc.record({ slotIndex: fc.nat() }),
      fc.constant({}),
    );
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 64 });
    const property = fc.property(
      selector,
      match,
      fc.option(fc.oneof(text, bytes)),
      fc.option(bytes),
      (by, also, object, id) => {
        const none = { tokenLabel: undefined, slot: undefined, slotIndex: undefined };
        const kept = also && Object.keys(also).length > 0 ? also : undefined;
        const token: TokenSelector = { ...none, ...by, match: kept };
        const read = optionsOf(
          pkcs11Uri({ token, key: { label: object ?? undefined, id: id ?? undefined } }),
        ) as Record<string, unknown>;
        const { keyLabel, keyId, ...rest } = read;
        expect(rest).toEqual({ ...by, ...(kept ? { match: kept } : {}) });
        expect(Buffer.from((keyLabel ?? "") as string)).toEqual(Buffer.from((object ?? "") as string));
        expect(keyId).toEqual(id ?? undefined);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });
});
