import { inspect } from "node:util";
import { expect, test } from "@jest/globals";
import { getBytes, id } from "ethers";
import { leaksIn } from "./planted.ts";
import { allShown } from "./shown.ts";

const text = { name: "text", value: 'planted secret/with+"signs"' };
const key = { name: "key", value: id("planted key") };

test.each<[string, unknown]>([
  ["text in a message", new Error(`the PIN is ${text.value}`)],
  ["a cause's cause", new Error("a", { cause: new Error("b", { cause: new Error(text.value) }) })],
  ["one of many errors", new AggregateError([new Error("a"), new Error(text.value)])],
  ["a hidden property", Object.defineProperty({}, "pin", { value: text.value })],
  ["a symbol's property", { [Symbol("pin")]: text.value }],
  ["base64", `Basic ${btoa(text.value)}`],
  ["a URL", `https://user:${encodeURIComponent(text.value)}@host/`],
  ["JSON in JSON", JSON.stringify({ pin: text.value })],
  ["hexadecimal", Buffer.from(text.value).toString("hex")],
  ["a Buffer", Buffer.from(text.value)],
  ["the key's bytes", getBytes(key.value)],
  ["the key's bytes in the other order", getBytes(key.value).reverse()],
  ["the key as a number", BigInt(key.value)],
  ["the key in a JWK", { d: Buffer.from(getBytes(key.value)).toString("base64url") }],
  ["the key in capitals", key.value.toUpperCase()],
])("a secret is found in %s", (_name, value) => {
  expect(leaksIn(allShown(value), [text, key])).not.toEqual([]);
});

test("nothing is found where nothing is", () => {
  expect(leaksIn(allShown(new Error(inspect({ address: "0x00", other: id("x") }))), [text, key])).toEqual([]);
});
