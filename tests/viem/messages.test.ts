import { beforeAll, describe, expect, test } from "@jest/globals";
import { hashMessage as hashByEthers, id, TypedDataEncoder } from "ethers";
import { type Hex, type SignableMessage, type TypedDataDefinition, verifyMessage, verifyTypedData } from "viem";
import { recoverAddress } from "viem/utils";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { toViemAccount } from "../../src/viem/index.ts";
import { expectSerialized } from "../contract/compare.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { createPair, expectSame, expectSameFailure, FRIEND, failureOf, hex, type Pair, PRIVATE_KEY } from "./pair.ts";

let pair: Pair;
beforeAll(async () => {
  pair = await createPair();
});

describe("signMessage", () => {
  test.each<[string, SignableMessage]>([
    ["text", "hello world"],
    ["no text", ""],
    ["text that is not ASCII", "grüße 🦊"],
    ["text that looks like hex: still text", "0x1234"],
    ["text of many lines", "line\n".repeat(1_000)],
    ["raw hex", { raw: "0x68656c6c6f20776f726c64" }],
    ["raw hex of no byte", { raw: "0x" }],
    ["raw bytes", { raw: Uint8Array.of(0, 1, 254, 255) }],
    ["raw bytes that look like a digest", { raw: hex(id("a digest")) }],
  ])("%s", async (_name, message) => {
    const signature = await expectSame(pair, (account) => account.signMessage({ message }));
    expect(await verifyMessage({ address: pair.local.address, message, signature })).toBe(true);
  });

  test("ethers signs the same digest", async () => {
    await pair.remote.signMessage({ message: "0x1234" });
    expect(pair.key.digests.at(-1)).toBe(hashByEthers("0x1234"));
    await pair.remote.signMessage({ message: { raw: "0x1234" } });
    expect(pair.key.digests.at(-1)).toBe(hashByEthers(Uint8Array.of(0x12, 0x34)));
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["no raw bytes", { raw: null }],
  ])("%s is refused", async (_name, message) => {
    const input = { message } as { message: SignableMessage };
    await expectSameFailure(pair, (account) => account.signMessage(input), { name: "TypeError" });
  });
});

const PERSON = [
  { name: "name", type: "string" },
  { name: "wallets", type: "address[]" },
];
const MAIL = {
  types: {
    Person: PERSON,
    Mail: [
      { name: "from", type: "Person" },
      { name: "to", type: "Person[2]" },
      { name: "amount", type: "uint256" },
      { name: "delta", type: "int8" },
      { name: "digest", type: "bytes32" },
      { name: "contents", type: "bytes" },
      { name: "urgent", type: "bool" },
    ],
  },
  primaryType: "Mail",
  domain: { name: "Ether Mail", version: "1", chainId: 1, verifyingContract: FRIEND },
  message: {
    from: { name: "Cow", wallets: [FRIEND] },
    to: [
      { name: "Bob", wallets: [] },
      { name: "", wallets: [FRIEND, FRIEND] },
    ],
    amount: 2n ** 256n - 1n,
    delta: -128,
    digest: id("digest"),
    contents: "0x1234",
    urgent: true,
  },
} as unknown as TypedDataDefinition;

const DOMAIN_TYPES = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
];

/** `MAIL` with some of it replaced. */
const mail = (changes: object) => ({ ...MAIL, ...changes }) as TypedDataDefinition;

describe("signTypedData", () => {
  test.each<[string, TypedDataDefinition]>([
    ["nested structs, arrays and every kind of type", MAIL],
    ["no domain", mail({ domain: undefined })],
    ["an empty domain", mail({ domain: {} })],
    ["a domain with salt and a large chainId", mail({ domain: { salt: id("salt"), chainId: 2n ** 64n } })],
    ["EIP712Domain among the types", mail({ types: { ...MAIL.types, EIP712Domain: DOMAIN_TYPES } })],
    [
      "EIP712Domain of fewer fields than the domain has",
      mail({ types: { ...MAIL.types, EIP712Domain: PERSON.slice(0, 1) } }),
    ],
    ["the domain as the message", mail({ primaryType: "EIP712Domain", message: undefined })],
  ])("%s", async (_name, typedData) => {
    const signature = await expectSame(pair, (account) => account.signTypedData(typedData));
    const parameters = { ...typedData, address: pair.local.address, signature };
    expect(await verifyTypedData(parameters as Parameters<typeof verifyTypedData>[0])).toBe(true);
  });

  test("ethers signs the same digest", async () => {
    await pair.remote.signTypedData(MAIL);
    const { domain, types, message } = MAIL as unknown as Record<string, Record<string, never>>;
    expect(pair.key.digests.at(-1)).toBe(TypedDataEncoder.hash(domain ?? {}, types ?? {}, message ?? {}));
  });

  test.each<[string, object, { name: string }]>([
    ["an address that is none", { domain: { verifyingContract: "0x12" } }, { name: "InvalidAddressError" }],
    ["an unknown primary type", { primaryType: "Letter" }, { name: "InvalidPrimaryTypeError" }],
    ["a number that is too large", { message: { ...MAIL.message, delta: 128 } }, { name: "IntegerOutOfRangeError" }],
    ["bytes of another length", { message: { ...MAIL.message, digest: "0x12" } }, { name: "BytesSizeMismatchError" }],
    ["a missing struct", { message: { ...MAIL.message, from: undefined } }, { name: "TypeError" }],
  ])("%s is refused", async (_name, changes, expected) => {
    await expectSameFailure(pair, (account) => account.signTypedData(mail(changes)), expected);
  });
});

describe("sign", () => {
  test.each([hex(id("a digest")), hex(`0x${"00".repeat(32)}`), hex(`0x${"ff".repeat(32)}`)])(
    "%s as it is",
    async (hash) => {
      const signature = await expectSame(pair, (account) => account.sign({ hash }));
      expect(pair.key.digests.at(-1)).toBe(hash);
      expect(await recoverAddress({ hash, signature })).toBe(pair.local.address);
    },
  );

  // viem signs whatever it is given as a hash of another length; no backend can.
  test.each<[string, Hex, string]>([
    ["31 bytes", hex(`0x${"11".repeat(31)}`), "invalid digest length"],
    ["33 bytes", hex(`0x${"11".repeat(33)}`), "invalid digest length"],
    ["no bytes", "0x", "invalid digest length"],
    ["no hex", hex("hello"), "invalid BytesLike value"],
  ])("%s is refused with ethers' error", async (_name, hash, shortMessage) => {
    const failure = await failureOf(() => pair.remote.sign({ hash }));
    expect(failure).toMatchObject({ code: "INVALID_ARGUMENT", shortMessage });
  });
});

describe("signAuthorization (EIP-7702)", () => {
  test.each<[string, { readonly chainId: number; readonly nonce: number }]>([
    ["numbers", { chainId: 31337, nonce: 5 }],
    ["nonce 0", { chainId: 1, nonce: 0 }],
    ["every chain", { chainId: 0, nonce: 7 }],
    ["both 0", { chainId: 0, nonce: 0 }],
    ["large numbers", { chainId: 2 ** 40, nonce: 2 ** 53 - 1 }],
  ])("%s", async (_name, terms) => {
    const signed = await expectSame(pair, (account) => account.signAuthorization({ ...terms, address: FRIEND }));
    expect(signed).toMatchObject({ ...terms, address: FRIEND, yParity: expect.any(Number), v: expect.any(BigInt) });
  });

  test("contractAddress is viem's other name of the address", async () => {
    const request = { contractAddress: FRIEND, chainId: 1, nonce: 2 } as const;
    const signed = await expectSame(pair, (account) => account.signAuthorization(request));
    expect(signed.address).toBe(FRIEND);
    expect(signed).toEqual(await pair.remote.signAuthorization({ address: FRIEND, chainId: 1, nonce: 2 }));
  });

  test.each<[string, object, { name: string }]>([
    ["a negative nonce", { address: FRIEND, chainId: 1, nonce: -1 }, { name: "IntegerOutOfRangeError" }],
    ["no address", { chainId: 1, nonce: 1 }, { name: "TypeError" }],
  ])("%s is refused", async (_name, request, expected) => {
    const input = request as Parameters<Pair["remote"]["signAuthorization"]>[0];
    await expectSameFailure(pair, (account) => account.signAuthorization(input), expected);
  });
});

test("signatures of a key with random nonces and high s are the account's, canonical, and never the same", async () => {
  const account = await toViemAccount(new RemoteSigner(new MemoryKey(PRIVATE_KEY)));
  const seen = new Set<Hex>();
  for (let round = 0; round < 50; round += 1) {
    const hash = hex(id(`digest ${round % 5}`));
    const signature = await account.sign({ hash });
    expectSerialized(signature);
    expect(await recoverAddress({ hash, signature })).toBe(pair.local.address);
    seen.add(signature);
  }
  expect(seen.size).toBe(50);
});
