import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseQuorumTokenFile, serializeQuorumTokenFile } from "../../src/approvals/index.ts";
import { failureOf, quorumFailure, tokenFile } from "./requests.ts";

const SIGNATURE = Buffer.alloc(256, 7).toString("base64");
const APPROVAL = { username: "alice", role: "crypto-user", signature: SIGNATURE };

test("reads what the CLI writes", () => {
  const text =
    '{"version":"2.0","service":"key-usage","key_reference":"0x00000000006c0004","approval_data":"AAEAAw==",' +
    '"token":"E4JGY8BCn/cFs+lr+J2sTMU7m7sWvIRF+4NIvTS10sc=","signatures":[]}';
  expect(() => parseQuorumTokenFile(text)).toThrow(/SHA-256/);
  expect(parseQuorumTokenFile(JSON.stringify(tokenFile()))).toEqual(tokenFile());
});

test("keeps what it does not know, and any key reference or none", () => {
  const { key_reference: _, ...others } = tokenFile();
  const file = { ...others, created: 1_900_000_000, cluster: { id: "c", flags: [true, null, 0.5] } };
  expect(parseQuorumTokenFile(serializeQuorumTokenFile(file))).toEqual(file);
});

function withSerial(number: string): string {
  return `${JSON.stringify(tokenFile()).slice(0, -1)},"serial":${number}}`;
}

test.each(["0", "100", "0.5", "9007199254740992", "-62222167.35495602", "5e-324", "1e+300"])(
  "keeps the number %s",
  (number) => {
    const again = parseQuorumTokenFile(serializeQuorumTokenFile(parseQuorumTokenFile(withSerial(number))));
    expect(again["serial"]).toBe(Number(number));
  },
);

test.each(["-0", "1.0", "1e3", "1E+3", "0.5e-7", "9007199254740993", `0.${"0".repeat(323)}5`, `1${"0".repeat(300)}`])(
  "refuses the number %s, which JavaScript writes otherwise",
  (number) => {
    expect(() => parseQuorumTokenFile(withSerial(number))).toThrow("a number that JavaScript would not keep");
  },
);

test.each([
  ["white space", (json: string) => json.replaceAll(":", " :\r\n\t")],
  ["escapes", (json: string) => json.replace("key-usage", "key\\u002dusage").replace('"2.0"', '"2\\u002E0"')],
])("accepts other %s", (_name, change) => {
  expect(parseQuorumTokenFile(change(JSON.stringify(tokenFile())))).toEqual(tokenFile());
});

test("comes back as it was, whatever the approval data and the unknown fields", () => {
  // Its names are not those of the file's own fields.
  const unknown = fc.dictionary(
    fc.stringMatching(/^x[a-z]{0,8}$/),
    fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes("__proto__")),
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 245 }), unknown, (approvalData, fields) => {
      const file = JSON.parse(JSON.stringify({ ...tokenFile(approvalData), ...fields, signatures: [APPROVAL] }));
      const text = serializeQuorumTokenFile(file);
      expect(parseQuorumTokenFile(text)).toEqual(file);
      expect(serializeQuorumTokenFile(parseQuorumTokenFile(text))).toBe(text);
    }),
  );
});

describe("refuses", () => {
  const file = tokenFile();
  const json = (changes: object) => JSON.stringify({ ...file, ...changes });
  test.each<[string, string]>([
    ["no JSON", "{"],
    ["nothing", ""],
    ["a list", "[]"],
    ["null", "null"],
    ["another version", json({ version: "3.0" })],
    ["a version as a number", json({ version: 2 })],
    ["no service", json({ service: undefined })],
    ["an empty service", json({ service: "" })],
    ["a service with an escape sequence", json({ service: "\u001b[2J" })],
    ["a service with a right-to-left override", json({ service: "key\u202eusage" })],
    ["a key reference that is not hex", json({ key_reference: "treasury" })],
    ["a key reference that is not a string", json({ key_reference: 4 })],
    ["no approval data", json({ approval_data: "" })],
    ["approval data in base64url", json({ approval_data: "_-8=" })],
    ["approval data without padding", json({ approval_data: "AAEAAw" })],
    ["approval data with bits beyond its end", json({ approval_data: "AAEAAx==" })],
    ["approval data with a line feed", json({ approval_data: "AAEA\nAw==" })],
    ["a token of 31 bytes", json({ token: Buffer.alloc(31).toString("base64") })],
    ["a token in hex", json({ token: "ab".repeat(32) })],
    ["signatures that are no list", json({ signatures: {} })],
    ["no signatures", json({ signatures: undefined })],
    ["a signature that is not an object", json({ signatures: ["x"] })],
    ["a signature of 128 bytes", json({ signatures: [{ ...APPROVAL, signature: SIGNATURE.slice(0, 172) }] })],
    ["a signature without a name", json({ signatures: [{ ...APPROVAL, username: undefined }] })],
    ["a signature with an empty name", json({ signatures: [{ ...APPROVAL, username: "" }] })],
    ["a signature with a line feed in its name", json({ signatures: [{ ...APPROVAL, username: "a\nb" }] })],
    ["a signature with a further field", json({ signatures: [{ ...APPROVAL, weight: 2 }] })],
    ["a field twice", `${JSON.stringify(file).slice(0, -1)},"service":"user"}`],
    ["a field twice, once escaped", `${JSON.stringify(file).slice(0, -1)},"serv\\u0069ce":"user"}`],
    ["__proto__", `${JSON.stringify(file).slice(0, -1)},"__proto__":{"service":"user"}}`],
    ["a number that would be rounded", `${JSON.stringify(file).slice(0, -1)},"serial":12345678901234567890}`],
    ["a fraction that would be rounded", `${JSON.stringify(file).slice(0, -1)},"serial":0.1000000000000000055}`],
    ["a number without a value", `${JSON.stringify(file).slice(0, -1)},"serial":1e999}`],
    ["a number that vanishes", `${JSON.stringify(file).slice(0, -1)},"serial":1e-999}`],
    ["a number of 1,001 digits", `${JSON.stringify(file).slice(0, -1)},"serial":1.${"0".repeat(1_000)}}`],
    [
      "sixty thousand zeros between two digits",
      `${JSON.stringify(file).slice(0, -1)},"serial":1${"0".repeat(60_000)}1}`,
    ],
    ["sixty thousand digits of an exponent", `${JSON.stringify(file).slice(0, -1)},"serial":1e${"9".repeat(60_000)}}`],
    ["65 levels", `${JSON.stringify(file).slice(0, -1)},"deep":${"[".repeat(64)}${"]".repeat(64)}}`],
    ["a hundred thousand levels", "[".repeat(30_000) + "]".repeat(30_000)],
    ["too much", json({ padding: "x".repeat(65_536) })],
  ])("%s", async (_name, text) => {
    const error = await failureOf(() => parseQuorumTokenFile(text));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(`${error["message"]}`.length).toBeLessThan(400);
  });

  test.each([undefined, null, 7, {}, Buffer.from("{}")])("%p in place of text", async (value) => {
    expect(await failureOf(() => parseQuorumTokenFile(value as unknown as string))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  test("a token that is not the hash of its approval data", async () => {
    const token = tokenFile(new Uint8Array([9])).token;
    const refused = quorumFailure("ACCESS_DENIED", "token-mismatch");
    expect(await failureOf(() => parseQuorumTokenFile(json({ token })))).toMatchObject(refused);
    expect(await failureOf(() => serializeQuorumTokenFile({ ...file, token }))).toMatchObject(refused);
  });

  test("to write what it would not read", async () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    for (const extra of [{ big: 1n }, { cyclic }, { padding: "x".repeat(65_536) }]) {
      const error = await failureOf(() => serializeQuorumTokenFile({ ...file, ...extra }));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
  });
});
