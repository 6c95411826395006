import { createHash, sign, verify } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import {
  parseRegistrationTokenFile,
  type RegistrationTokenFile,
  serializeRegistrationTokenFile,
  signRegistrationToken,
} from "../../../src/cloudhsm/quorum/index.ts";
import { failureOf, quorumFailure, rsaKey } from "../../approvals/requests.ts";

const { privateKey, publicKey } = rsaKey();

function token(data: string) {
  return {
    approval_data: Buffer.from(data).toString("base64"),
    unsigned: createHash("sha256").update(data).digest("base64"),
    signed: "",
  };
}

const file: RegistrationTokenFile = { version: "2.0", tokens: [token("register me")] };

test("is read as the CLI writes it, and written again with all of its fields", () => {
  const extended = { ...file, cluster: "c", tokens: [{ ...token("a"), hsm: 1 }, token("b")] };
  for (const each of [file, extended]) {
    expect(parseRegistrationTokenFile(JSON.stringify(each))).toEqual(each);
    expect(parseRegistrationTokenFile(serializeRegistrationTokenFile(each))).toEqual(each);
  }
});

test("every token is signed", async () => {
  const two = { ...file, tokens: [token("a"), token("b")] };
  const signed = await signRegistrationToken(two, privateKey);
  expect(signed.tokens.map(({ approval_data, unsigned }) => [approval_data, unsigned])).toEqual(
    two.tokens.map(({ approval_data, unsigned }) => [approval_data, unsigned]),
  );
  for (const { approval_data, signed: signature } of signed.tokens) {
    expect(verify("sha256", Buffer.from(approval_data, "base64"), publicKey, Buffer.from(signature, "base64"))).toBe(
      true,
    );
  }
  expect(parseRegistrationTokenFile(serializeRegistrationTokenFile(signed))).toEqual(signed);
  expect(two.tokens.every(({ signed }) => signed === "")).toBe(true);
});

test("a function may sign, and is checked", async () => {
  const signer = (_token: Uint8Array, data: Uint8Array) => sign("sha256", data, privateKey);
  expect(await signRegistrationToken(file, signer, { publicKey })).toEqual(
    await signRegistrationToken(file, privateKey),
  );
  const other = rsaKey().publicKey;
  expect(await failureOf(() => signRegistrationToken(file, signer, { publicKey: other }))).toMatchObject(
    quorumFailure("SIGNATURE_MISMATCH", "bad-signature"),
  );
});

test("a file that is signed already is not signed again", async () => {
  const signed = await signRegistrationToken(file, privateKey);
  expect(await failureOf(() => signRegistrationToken(signed, privateKey))).toMatchObject({ code: "INVALID_ARGUMENT" });
});

describe("refuses", () => {
  const json = (changes: object) => JSON.stringify({ ...file, ...changes });
  const entry = (changes: object) => json({ tokens: [{ ...token("a"), ...changes }] });
  test.each([
    ["no JSON", "tokens"],
    ["a list", "[]"],
    ["another version", json({ version: "1.0" })],
    ["no tokens", json({ tokens: [] })],
    ["tokens that are no list", json({ tokens: {} })],
    ["a token that is text", json({ tokens: ["x"] })],
    ["no approval data", entry({ approval_data: undefined })],
    ["a token of 16 bytes", entry({ unsigned: Buffer.alloc(16).toString("base64") })],
    ["no signed", entry({ signed: undefined })],
    ["a signature of 10 bytes", entry({ signed: Buffer.alloc(10).toString("base64") })],
    ["a field twice", `${JSON.stringify(file).slice(0, -1)},"version":"2.0"}`],
    ["too much", json({ padding: "x".repeat(65_536) })],
  ])("%s", async (_name, text) => {
    expect(await failureOf(() => parseRegistrationTokenFile(text))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("a token that is not the hash of its approval data", async () => {
    const text = entry({ unsigned: token("b").unsigned });
    expect(await failureOf(() => parseRegistrationTokenFile(text))).toMatchObject(
      quorumFailure("ACCESS_DENIED", "token-mismatch"),
    );
  });
});
