import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, Transaction, TypedDataEncoder } from "ethers";
import { CREDENTIALS, type Kms, PRIVATE_KEY, startKms } from "../aws-kms/support.ts";
import { CommandLine } from "./support/command.ts";

const TO = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const WORD = `0x${"11".repeat(32)}`;
const TYPED_DATA = {
  domain: { name: "Token", chainId: 5 },
  types: {
    EIP712Domain: [
      { name: "name", type: "string" },
      { name: "chainId", type: "uint256" },
    ],
    Party: [{ name: "account", type: "address" }],
    Order: [
      { name: "parties", type: "Party[]" },
      { name: "amount", type: "uint8" },
      { name: "paid", type: "bool" },
    ],
  },
  primaryType: "Order",
  message: { parties: [{ account: TO }], amount: 5, paid: false },
};
const TRANSACTION = {
  ...{ type: 2, chainId: 5, nonce: 7, gas: "0x5208", to: TO, value: "1" },
  ...{ maxFeePerGas: "30000000000", maxPriorityFeePerGas: "1" },
};
const AUTHORIZATION = { address: TO, chainId: "0x0", nonce: "0x1", yParity: "0x1", r: "0x1", s: "0x2" };

let kms: Kms;
let cli: CommandLine;

beforeAll(async () => {
  kms = await startKms();
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  cli = new CommandLine({
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    ETHERS_HSM_KEY: `aws-kms:${kms.key.keyId}?region=eu-west-1&endpoint=${kms.server.url}`,
  });
});

afterAll(() => kms.server.close());

/** Ends with 2, and the backend is never asked. */
async function expectRefusal(command: string, input: string, message: RegExp): Promise<void> {
  const before = kms.server.requests.length;
  const run = await cli.run([command, "-"], { input });
  expect([run.code, run.stdout]).toEqual([2, ""]);
  expect(run.stderr).toMatch(message);
  expect(kms.server.requests.length).toBe(before);
}

const typedData = (changes: object) => JSON.stringify({ ...TYPED_DATA, ...changes });
const order = (changes: object) => typedData({ message: { ...TYPED_DATA.message, ...changes } });
const orderType = (field: object) => typedData({ types: { ...TYPED_DATA.types, Order: [field] } });

describe("typed data is read strictly", () => {
  test("what is right has ethers' digest, whatever else the message holds", async () => {
    const { EIP712Domain: _domain, ...types } = TYPED_DATA.types;
    const { digest } = await cli.json(["sign-typed-data", "-"], { input: order({ note: "of no type" }) });
    expect(digest).toBe(TypedDataEncoder.hash(TYPED_DATA.domain, types, TYPED_DATA.message));
  });

  test.each<[name: string, input: string, message: RegExp]>([
    ['a bool of "false"', order({ paid: "false" }), /message\.paid/],
    ['a bool of "0"', order({ paid: "0" }), /message\.paid/],
    ["a bool of {}", order({ paid: {} }), /message\.paid/],
    ["a bool of []", order({ paid: [] }), /message\.paid/],
    ["a bool of null", order({ paid: null }), /message\.paid/],
    ["a missing bool", order({ paid: undefined }), /message\.paid/],
    ["a number that is too large", order({ amount: 256 }), /message\.amount/],
    ["a missing number", order({ amount: undefined }), /message\.amount/],
    ["an address without 0x", order({ parties: [{ account: TO.slice(2) }] }), /message\.parties\[0\]\.account/],
    [
      "a name in place of an address",
      order({ parties: [{ account: "treasury.eth" }] }),
      /message\.parties\[0\]\.account/,
    ],
    ["the alias uint", orderType({ name: "amount", type: "uint" }), /types\.Order\[0\]\.type/],
    ["the alias int[]", orderType({ name: "amount", type: "int[]" }), /types\.Order\[0\]\.type/],
    ["a name that is not an identifier", orderType({ name: "a,b", type: "bool" }), /types\.Order\[0\]\.name/],
    ["a member twice", order({}).replace('"amount":5', '"amount":5,"amount":6'), /"amount" twice/],
    ["a member twice, once escaped", order({}).replace('"amount":5', '"amount":5,"\\u0061mount":6'), /mount.* twice/],
    ["much depth", typedData({ message: JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`) }), /levels/],
  ])("%s is refused by its path", async (_name, input, message) => expectRefusal("sign-typed-data", input, message));
});

describe("a transaction is read strictly", () => {
  test("what is right, in the words of JSON-RPC and of ethers", async () => {
    const accessList = [{ address: TO.toLowerCase(), storageKeys: [WORD] }];
    const flat = { ...TRANSACTION, type: "0x4", accessList, authorizationList: [AUTHORIZATION] };
    const { address, chainId, nonce, ...signature } = AUTHORIZATION;
    const nested = { ...flat, type: 4, authorizationList: [{ address, chainId, nonce, signature }] };
    for (const transaction of [flat, nested]) {
      const { raw } = await cli.json(["sign-tx", "-"], { input: JSON.stringify(transaction) });
      const signed = Transaction.from(String(raw));
      expect(signed).toMatchObject({ type: 4, from: computeAddress(PRIVATE_KEY), value: 1n, gasLimit: 21_000n });
      expect(signed.accessList).toEqual([{ address: TO, storageKeys: [WORD] }]);
      expect(signed.authorizationList).toMatchObject([{ address: TO, chainId: 0n, nonce: 1n }]);
    }
  });

  test.each<[name: string, changes: object, message: RegExp]>([
    ["a name", { to: "treasury.eth" }, /^ethers-hsm: to must be an address of 0x and 40 digits/],
    ["an address without 0x", { to: TO.slice(2) }, /: to must be an address/],
    ["a wrong checksum", { to: TO.replace("C5", "c5") }, /: to is an address with a bad address checksum/],
    ["an address that is an object", { to: { address: TO } }, /: to must be an address/],
    ["a value that is true", { value: true }, /: value must be an integer/],
    ["a value that is a list", { value: ["1"] }, /: value must be an integer/],
    ["a value that is negative", { value: -1 }, /: value must be an integer/],
    ["a value that is empty", { value: "" }, /: value must be an integer/],
    ["a value with blanks", { value: " 1" }, /: value must be an integer/],
    ["a value with an exponent", { value: "1e3" }, /: value must be an integer/],
    ["a value with a fraction", { value: 0.5 }, /: value must be an integer/],
    ["a value that JavaScript rounds", { value: 2 ** 53 }, /: value must be an integer/],
    ["a value of 257 bits", { value: (2n ** 256n).toString() }, /: value must be an integer/],
    ["a chainId that is true", { chainId: true }, /: chainId must be an integer/],
    ["a nonce of 2^53", { nonce: (2n ** 53n).toString() }, /: nonce must be an integer up to/],
    ["half a byte of data", { data: "0x1" }, /: data must be 0x and pairs/],
    ["data that is a list", { input: [1] }, /: input must be 0x and pairs/],
    ["an access list that is an object", { accessList: { [TO]: [] } }, /: accessList must be a list/],
    [
      "a key of 31 bytes",
      { accessList: [{ address: TO, storageKeys: ["0x11"] }] },
      /accessList\[0\]\.storageKeys\[0\] must/,
    ],
    [
      "an unknown field in a list",
      { accessList: [{ address: TO, storageKeys: [], x: 1 }] },
      /accessList\[0\] has a field "x"/,
    ],
    [
      "an authorization without a signer",
      { type: 4, authorizationList: [{ address: TO, chainId: 1, nonce: 1 }] },
      /yParity must/,
    ],
    [
      "a parity of 2",
      { type: 4, authorizationList: [{ ...AUTHORIZATION, yParity: 2 }] },
      /\[0\]\.yParity must be 0 or 1/,
    ],
    ["access to fees of another type", { type: 1, gasPrice: "1" }, /cannot be right: type 1 has no maxFeePerGas/],
    ["an access list of type 0", { type: 0, accessList: [] }, /cannot be right: type 0 has no /],
    ["authorizations of type 2", { authorizationList: [] }, /cannot be right: type 2 has no authorizationList/],
    ["fees of two types, and no type", { type: undefined, gasPrice: "1" }, /it has a gasPrice, and fees of EIP-1559/],
    ["fees of two types", { gasPrice: "1" }, /the transaction cannot be right: /],
    ["a type that does not exist", { type: 9 }, /the transaction cannot be right: /],
    ["a tip above the fee", { maxPriorityFeePerGas: "30000000001" }, /priorityFee cannot be more than maxFee/],
    ["a member called __proto__", JSON.parse('{"__proto__":{"value":"5"}}'), /"__proto__" that is unknown here/],
  ])("%s is refused by its path", async (_name, changes, message) =>
    expectRefusal("sign-tx", JSON.stringify({ ...TRANSACTION, ...changes }), message),
  );

  test("a member twice is refused", () =>
    expectRefusal("sign-tx", JSON.stringify(TRANSACTION).replace('"value":"1"', '"value":"1","value":"2"'), /twice/));
});

describe("a private key in the place of something else is not shown", () => {
  const KEY = PRIVATE_KEY.slice(2);

  test.each<[name: string, args: string[]]>([
    [
      "import --private-key-file",
      ["import", "--private-key-file", PRIVATE_KEY, "--key", "aws-kms:alias/x?region=eu-west-1"],
    ],
    [
      "import --private-key-file without 0x",
      ["import", "--private-key-file", KEY, "--key", "aws-kms:alias/x?region=eu-west-1"],
    ],
    ["import PRIVATE_KEY", ["import", PRIVATE_KEY]],
    ["import --PRIVATE_KEY", ["import", `--${KEY}`]],
    ["import --private-key=PRIVATE_KEY", ["import", `--private-key=${PRIVATE_KEY}`]],
    ["sign-tx PRIVATE_KEY", ["sign-tx", PRIVATE_KEY]],
    ["sign-typed-data PRIVATE_KEY", ["sign-typed-data", KEY]],
    ["verify --tx PRIVATE_KEY", ["verify", "--tx", PRIVATE_KEY, "--address", TO]],
    [
      "verify --typed-data PRIVATE_KEY",
      ["verify", "--typed-data", PRIVATE_KEY, "--address", TO, "--signature", `0x${"11".repeat(65)}`],
    ],
    ["verify --address PRIVATE_KEY", ["verify", "x", "--address", PRIVATE_KEY, "--signature", `0x${"11".repeat(65)}`]],
    ["send --to PRIVATE_KEY", ["send", "--to", PRIVATE_KEY, "--rpc", "http://127.0.0.1:9"]],
    ["--key PRIVATE_KEY", ["address", "--key", PRIVATE_KEY]],
    ["--key aws-kms:PRIVATE_KEY", ["address", "--key", `aws-kms:?${PRIVATE_KEY}`]],
    ["--rpc PRIVATE_KEY", ["send", "--to", TO, "--rpc", PRIVATE_KEY]],
    ["PRIVATE_KEY as a command", [PRIVATE_KEY]],
  ])("%s", async (_name, args) => {
    for (const json of [[], ["--json"]]) {
      const run = await cli.run([...args, ...json]);
      expect([run.code, run.stdout]).toEqual([2, ""]);
      expect(run.stderr).not.toContain(KEY.slice(0, 8));
    }
  });
});
