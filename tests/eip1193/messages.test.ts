import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hexlify, toUtf8Bytes, verifyMessage, verifyTypedData } from "ethers";
import { createProvider } from "../../src/eip1193/index.ts";
import {
  ADDRESS,
  type Fixture,
  FRIEND,
  failureOf,
  OTHER_ADDRESS,
  otherWallet,
  startFixture,
  wallet,
} from "./support.ts";

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
});

afterAll(() => fixture.anvil.stop());

async function ask(method: string, ...params: unknown[]): Promise<string> {
  return (await fixture.provider.request({ method, params })) as string;
}

describe("personal_sign", () => {
  test.each<[string, string, string | Uint8Array]>([
    ["hex data is bytes", "0x00ff", Uint8Array.of(0, 255)],
    ["no bytes", "0x", ""],
    ["text is UTF-8", "grüße", "grüße"],
    ["half a byte is text", "0x123", "0x123"],
    ["hex digits without 0x are text", "1234", "1234"],
  ])("%s", async (_name, data, message) => {
    expect(verifyMessage(message, await ask("personal_sign", data, ADDRESS))).toBe(wallet.address);
    expect(await ask("personal_sign", data, otherWallet.address)).toBe(await otherWallet.signMessage(message));
  });

  test("geth's password is ignored", async () => {
    expect(await ask("personal_sign", "text", OTHER_ADDRESS, "password")).toBe(await otherWallet.signMessage("text"));
  });

  test.each<[string, unknown[], number]>([
    ["the parameters the wrong way round", [ADDRESS, "text"], -32602],
    ["no message", [undefined, ADDRESS], -32602],
    ["no address", ["text"], -32602],
    ["an account that is not the provider's", ["text", FRIEND], 4100],
  ])("%s", async (_name, params, code) => {
    expect(await failureOf(ask("personal_sign", ...params))).toMatchObject({ code });
  });
});

describe("eth_sign", () => {
  test("prefixes as geth does", async () => {
    const data = hexlify(toUtf8Bytes("text"));
    expect(await ask("eth_sign", OTHER_ADDRESS, data)).toBe(await otherWallet.signMessage("text"));
  });

  test("takes no text", async () => {
    expect(await failureOf(ask("eth_sign", ADDRESS, "text"))).toMatchObject({ code: -32602 });
  });

  test("is 4200 unless switched on, and does not reach the node's own accounts", async () => {
    const provider = createProvider({ accounts: [otherWallet], provider: fixture.chain });
    const [nodes] = (await fixture.chain.send("eth_accounts", [])) as string[];
    const request = provider.request({ method: "eth_sign", params: [nodes, "0x12"] });
    expect(await failureOf(request)).toMatchObject({ code: 4200 });
  });
});

const types = {
  Mail: [
    { name: "to", type: "Person[]" },
    { name: "text", type: "string" },
  ],
  Person: [{ name: "wallet", type: "address" }],
};
const EIP712Domain = [
  { name: "name", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
];
const domain = { name: "Mail", chainId: 31337, verifyingContract: FRIEND };
const message = { to: [{ wallet: FRIEND }], text: "hello" };
const mail = { types: { EIP712Domain, ...types }, primaryType: "Mail", domain, message };

describe("eth_signTypedData_v4", () => {
  const signature = (data: unknown) => ask("eth_signTypedData_v4", ADDRESS, data);

  test.each<[string, unknown]>([
    ["an object", mail],
    ["its JSON", JSON.stringify(mail)],
    ["types that the primary one does not need", { ...mail, types: { ...mail.types, Spare: types.Person } }],
    ["the chain in decimal digits", { ...mail, domain: { ...domain, chainId: "31337" } }],
    ["the chain in hex", { ...mail, domain: { ...domain, chainId: "0x7a69" } }],
    ["an absent field that is null", { ...mail, domain: { ...domain, salt: null } }],
  ])("%s", async (_name, data) => {
    expect(verifyTypedData(domain, types, message, await signature(data))).toBe(wallet.address);
  });

  test("an inner type as the primary one", async () => {
    const inner = { ...mail, primaryType: "Person", message: { wallet: FRIEND } };
    const person = { Person: types.Person };
    expect(verifyTypedData(domain, person, inner.message, await signature(inner))).toBe(wallet.address);
  });

  test("a domain without a chain", async () => {
    const data = { ...mail, types: { ...types, EIP712Domain: EIP712Domain.slice(0, 1) }, domain: { name: "Mail" } };
    expect(verifyTypedData({ name: "Mail" }, types, message, await signature(data))).toBe(wallet.address);
  });

  test("an empty domain", async () => {
    const data = { ...mail, types: { ...types, EIP712Domain: [] }, domain: {} };
    expect(verifyTypedData({}, types, message, await signature(data))).toBe(wallet.address);
  });

  test("another chain's domain is 4901", async () => {
    const other = { ...mail, domain: { ...domain, chainId: 1 } };
    expect(await failureOf(signature(other))).toMatchObject({ code: 4901 });
  });

  test("an account that is not the provider's is 4100", async () => {
    expect(await failureOf(ask("eth_signTypedData_v4", FRIEND, mail))).toMatchObject({ code: 4100 });
  });

  const [name, chainId, verifyingContract] = EIP712Domain;
  const declared = (fields: unknown) => ({ ...mail, types: { ...types, EIP712Domain: fields } });

  test.each<[string, unknown, RegExp]>([
    ["text that is not JSON", "{", /the typed data is not JSON/],
    ["a list", [], /must be an object/],
    ["no types", { ...mail, types: undefined }, /types must be an object/],
    ["fields that are not a list", { ...mail, types: { ...mail.types, Mail: {} } }, /must be an array/],
    [
      "a field without a type",
      { ...mail, types: { ...mail.types, Mail: [{ name: "to" }] } },
      /types.Mail\[0\].type must be a string/,
    ],
    ["no domain type", declared(undefined), /must be an array/],
    ["no declaration of the domain", { ...mail, types }, /must declare EIP712Domain/],
    ["the domain's fields in another order", declared([chainId, name, verifyingContract]), /in their order/],
    ["the domain's fields twice", declared([name, name, chainId, verifyingContract]), /declares the field name twice/],
    ["another type in the domain", declared([name, { name: "chainId", type: "uint64" }]), /in their order/],
    [
      "a domain field that is not the standard's",
      declared([name, { name: "realm", type: "string" }]),
      /in their order/,
    ],
    [
      "more in the domain than declared",
      { ...mail, domain: { ...domain, version: "1" } },
      /domain.version is not a field/,
    ],
    ["less in the domain than declared", { ...mail, domain: { name: "Mail" } }, /domain.chainId is missing/],
    ["a chain that is not a number", { ...mail, domain: { ...domain, chainId: "one" } }, /chainId must be/],
    ["a contract that is a name", { ...mail, domain: { ...domain, verifyingContract: "a.eth" } }, /an address/],
    ["no primary type", { ...mail, primaryType: undefined }, /primaryType must be/],
    ["an unknown primary type", { ...mail, primaryType: "constructor" }, /primaryType must be/],
    ["the domain as the primary type", { ...mail, primaryType: "EIP712Domain" }, /primaryType must be/],
    ["no message", { ...mail, message: undefined }, /message must be an object/],
    [
      "a message that does not fit",
      { ...mail, message: { to: "not a list", text: "hello" } },
      /message.to must be an array/,
    ],
    [
      "a name in place of an address",
      { ...mail, message: { ...message, to: [{ wallet: "a.eth" }] } },
      /message.to\[0\].wallet must be an address/,
    ],
    ["a circular type", { ...mail, types: { EIP712Domain, Mail: [{ name: "re", type: "Mail" }] } }, /circular/],
  ])("%s is -32602", async (_name, data, text) => {
    const failure = await failureOf(signature(data));
    expect(failure).toMatchObject({ code: -32602 });
    expect(failure.message).toMatch(text);
  });
});
