import { describe, expect, test } from "@jest/globals";
import { hashMessage, Interface, MaxUint256, parseEther, Transaction, TypedDataEncoder, toUtf8Bytes } from "ethers";
import { type VerifiedRequest, type VerifyRequestOptions, verifyApprovalRequest } from "../../src/approvals/index.ts";
import { ACCOUNT, ANY, failureOf, requestFor, unfold } from "./requests.ts";

const TOKEN = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const SAFE = "0x1111111111111111111111111111111111111111";
const ALICE = "0x000000000000000000000000000000000000dEaD";
const PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3";
const VAULT = "0x2222222222222222222222222222222222222222";

const abi = new Interface([
  "function transfer(address,uint256)",
  "function approve(address,uint256)",
  "function setApprovalForAll(address,bool)",
  "function execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
  "function deposit(address receiver,(uint256 amount,uint8 kind,uint256 until)[] parts,string memo)",
]);
const permit2 = new Interface(["function approve(address,address,uint160,uint48)"]);

const usdc = {
  context: { contract: { deployments: [{ chainId: 1, address: TOKEN.toLowerCase() }] } },
  metadata: { token: { name: "USD Coin", ticker: "USDC", decimals: 6 } },
  display: {
    formats: {
      "transfer(address to,uint256 value)": {
        intent: "Send",
        fields: [
          { path: "#.to", label: "To", format: "addressName" },
          { path: "value", label: "Amount", format: "tokenAmount", params: { tokenPath: "@.to" } },
        ],
      },
      "approve(address spender,uint256 value)": {
        fields: [
          {
            ...{ path: "value", label: "Amount", format: "tokenAmount" },
            params: { tokenPath: "@.to", threshold: "$.metadata.constants.max", message: "All of it" },
          },
        ],
      },
    },
  },
};
const withConstants = { ...usdc, metadata: { ...usdc.metadata, constants: { max: "0x8000000000000000000000000000" } } };

function verified(to: string, data: string, options: Partial<VerifyRequestOptions> = {}, others = {}): VerifiedRequest {
  const fees = { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n, gasLimit: 100_000n };
  const made = Transaction.from({ type: 2, chainId: 1n, to, data, ...fees, ...others });
  const content = { type: "transaction", unsigned: made.unsignedSerialized };
  return verifyApprovalRequest(requestFor("a message", { digest: made.unsignedHash, content }), { ...ANY, ...options });
}

function typedData(
  types: Record<string, { name: string; type: string }[]>,
  value: object,
  options: Partial<VerifyRequestOptions> = {},
  domain: object = { name: "x", chainId: 1n, verifyingContract: TOKEN },
): VerifiedRequest {
  const digest = TypedDataEncoder.hash(domain, types, value);
  const content = { type: "typed-data", domain, types, value };
  return verifyApprovalRequest(requestFor("a message", { digest, content }), { ...ANY, ...options });
}

/** The lines whose names begin with `name`, as `name: value`. */
function shown({ lines }: VerifiedRequest, name: string): string[] {
  return lines.filter(([each]) => each.startsWith(name)).map(([each, value]) => `${each}: ${value}`);
}

describe("a call by its meaning", () => {
  test("a transfer, by its selector", () => {
    const result = verified(TOKEN, abi.encodeFunctionData("transfer", [ALICE, 1_500_000n]));
    expect(shown(result, "call")).toEqual([
      "call: transfer(address,uint256), read as ERC-20 by its selector",
      `call.to: ${ALICE}`,
      "call.amount: 1500000",
    ]);
    expect(result.warnings).toEqual([]);
    expect(unfold(result.summary)).toContain("call.amount   1500000");
  });

  test("a transfer, by the approver's descriptor and address book", () => {
    const options = { descriptors: [usdc], addressBook: { [ALICE]: "Alice", [TOKEN.toLowerCase()]: "USDC" } };
    const result = verified(TOKEN, abi.encodeFunctionData("transfer", [ALICE, 1_500_000n]), options);
    expect(shown(result, "to")).toContain(`to: "USDC" = ${TOKEN}`);
    expect(shown(result, "call")).toEqual([
      "call: transfer(address,uint256), read as your descriptor",
      'call intent: "Send"',
      `call.to: "To": "Alice" = ${ALICE}`,
      'call.value: "Amount": 1.5 "USDC" = 1500000',
    ]);
    expect(result.warnings).toEqual([]);
  });

  test("the data is shown beside it", () => {
    const data = abi.encodeFunctionData("transfer", [ALICE, 1n]);
    expect(shown(verified(TOKEN, data), "data")).toEqual([`data: 68 bytes: ${data}`]);
  });

  test.each([
    ["another chain", { chainId: 5 }, TOKEN],
    ["another contract", { chainId: 1 }, VAULT],
  ])("a descriptor of %s is not used", (_name, { chainId }, to) => {
    const data = abi.encodeFunctionData("transfer", [ALICE, 1_500_000n]);
    const result = verified(to, data, { descriptors: [usdc] }, { chainId });
    expect(shown(result, "call.")).toEqual([`call.to: ${ALICE}`, "call.amount: 1500000"]);
  });

  test.each([
    ["trailing bytes", "00"],
    ["a whole word more", "00".repeat(32)],
  ])("%s: not decoded", (_name, tail) => {
    const result = verified(TOKEN, abi.encodeFunctionData("transfer", [ALICE, 1n]) + tail, { descriptors: [usdc] });
    expect(shown(result, "call")).toEqual([]);
    expect(result.warnings).toEqual(["The call is not decoded: nothing tells what it does."]);
  });

  test("a dirty address, or a moved offset: not decoded", () => {
    const transfer = abi.encodeFunctionData("transfer", [ALICE, 1n]);
    const dirty = `${transfer.slice(0, 10)}ff${transfer.slice(12)}`;
    expect(shown(verified(TOKEN, dirty), "call")).toEqual([]);
    const deposit = abi.encodeFunctionData("deposit", [ALICE, [], "x"]);
    const moved = deposit.replace(`${"0".repeat(62)}60`, `${"0".repeat(62)}80`);
    expect(moved).not.toBe(deposit);
    expect(shown(verified(VAULT, moved, { abis: { [VAULT]: abi.format() } }), "call")).toEqual([]);
  });

  test("by the approver's own ABI, of that contract only", () => {
    const data = abi.encodeFunctionData("deposit", [ALICE, [[7n, 1, 5n]], "a\nto  0xmine"]);
    const abis = { [VAULT]: JSON.parse(abi.formatJson()) };
    expect(shown(verified(VAULT, data, { abis }), "call")).toEqual([
      "call: deposit(address,(uint256,uint8,uint256)[],string), read as your ABI",
      `call.receiver: ${ALICE}`,
      "call.parts[0].amount: 7",
      "call.parts[0].kind: 1",
      "call.parts[0].until: 5",
      'call.memo: "a\\nto\\u{20}×20xmine"',
    ]);
    expect(shown(verified(TOKEN, data, { abis }), "call")).toEqual([]);
  });

  test("lists in lists, and empty ones", () => {
    const lists = new Interface(["function f(uint256[] none,string[][] words,(address[] who)[] parts)"]);
    const data = lists.encodeFunctionData("f", [[], [["a", "b"], [], ["c"]], [[[]], [[ALICE]]]]);
    expect(shown(verified(VAULT, data, { abis: { [VAULT]: lists.fragments } }), "call.")).toEqual([
      "call.none: an empty list",
      'call.words[0][0]: "a"',
      'call.words[0][1]: "b"',
      "call.words[1]: an empty list",
      'call.words[2][0]: "c"',
      "call.parts[0].who: an empty list",
      `call.parts[1].who[0]: ${ALICE}`,
    ]);
  });

  test("amount, date, enum and lists of a descriptor; the rest is raw", () => {
    const descriptor = {
      context: { contract: { abi: JSON.parse(abi.formatJson()), deployments: [{ chainId: 1, address: VAULT }] } },
      metadata: { enums: { kinds: { 0: "short", 1: "long" } } },
      display: {
        definitions: { until: { label: "Until", format: "date", params: { encoding: "timestamp" } } },
        formats: {
          "deposit(address,(uint256,uint8,uint256)[],string)": {
            fields: [
              { path: "parts.[].amount", label: "Amount", format: "amount" },
              {
                path: "parts.[]",
                fields: [
                  { path: "kind", label: "Kind", format: "enum", params: { $ref: "$.metadata.enums.kinds" } },
                  { path: "until", $ref: "$.display.definitions.until" },
                ],
              },
              { path: "memo", label: "Memo", format: "a format of tomorrow" },
            ],
          },
        },
      },
    };
    const data = abi.encodeFunctionData("deposit", [
      ALICE,
      [
        [10n ** 18n, 1, 1_900_000_000n],
        [1n, 2, 0n],
      ],
      "x",
    ]);
    expect(shown(verified(VAULT, data, { descriptors: [descriptor] }), "call.")).toEqual([
      `call.receiver: ${ALICE}`,
      'call.parts[0].amount: "Amount": 1.0 ETH = 1000000000000000000',
      'call.parts[0].kind: "Kind": "long" = 1',
      'call.parts[0].until: "Until": 2030-03-17T17:46:40.000Z = 1900000000',
      'call.parts[1].amount: "Amount": 0.000000000000000001 ETH = 1',
      'call.parts[1].kind: "Kind": 2',
      'call.parts[1].until: "Until": 1970-01-01T00:00:00.000Z = 0',
      'call.memo: "Memo": "x"',
    ]);
  });

  test("a call in a Safe's call", () => {
    const inner = abi.encodeFunctionData("transfer", [ALICE, 1_500_000n]);
    const rest = [0n, 0n, 0n, `0x${"00".repeat(20)}`, `0x${"00".repeat(20)}`, "0x"];
    const data = abi.encodeFunctionData("execTransaction", [TOKEN, parseEther("1"), inner, 0, ...rest]);
    const result = verified(SAFE, data, { descriptors: [usdc] });
    expect(shown(result, "call.value")).toEqual(["call.value: 1.0 ETH = 1000000000000000000"]);
    expect(shown(result, "call.data")).toEqual([
      `call.data: 68 bytes: ${inner}`,
      "call.data: transfer(address,uint256), read as your descriptor",
      'call.data intent: "Send"',
      `call.data.to: "To": ${ALICE}`,
      'call.data.value: "Amount": 1.5 "USDC" = 1500000',
    ]);
    expect(result.warnings).toEqual([]);
    const unknown = abi.encodeFunctionData("execTransaction", [TOKEN, 0n, "0x12345678", 1, ...rest]);
    expect(verified(SAFE, unknown).warnings).toEqual([
      "call.data is a call that is not decoded.",
      "The Safe runs the code of call.to as its own (delegatecall).",
    ]);
  });
});

describe("warnings", () => {
  const UNLIMITED = "It approves an unlimited amount: call.amountOrId.";

  test.each([
    [MaxUint256, [UNLIMITED]],
    [2n ** 96n - 1n, [UNLIMITED]],
    [10n ** 27n, []],
  ])("approve %i", (amount, warnings) => {
    expect(verified(TOKEN, abi.encodeFunctionData("approve", [ALICE, amount])).warnings).toEqual(warnings);
  });

  test("a descriptor's own threshold", () => {
    const data = abi.encodeFunctionData("approve", [ALICE, 2n ** 111n]);
    const result = verified(TOKEN, data, { descriptors: [withConstants] });
    expect(shown(result, "call.value")).toEqual([`call.value: "Amount": unlimited "All of it" = ${2n ** 111n}`]);
    expect(result.warnings).toEqual(["It approves an unlimited amount: call.value."]);
  });

  test("every token of a contract", () => {
    const all = (approved: boolean) =>
      verified(TOKEN, abi.encodeFunctionData("setApprovalForAll", [ALICE, approved])).warnings;
    expect(all(true)).toEqual(["It lets the operator move every token of that contract."]);
    expect(all(false)).toEqual([]);
  });

  test("Permit2, at its own address only", () => {
    const data = permit2.encodeFunctionData("approve", [TOKEN, ALICE, 2n ** 160n - 1n, 2n ** 48n - 1n]);
    expect(verified(PERMIT2, data).warnings).toEqual(["It approves an unlimited amount: call.amount."]);
    expect(verified(VAULT, data).warnings).toEqual(["The call is not decoded: nothing tells what it does."]);
  });

  test("permits", () => {
    const Permit = ["owner:address", "spender:address", "value:uint256", "nonce:uint256", "deadline:uint256"].map(
      (each) => {
        const [name = "", type = ""] = each.split(":");
        return { name, type };
      },
    );
    const value = { owner: ACCOUNT, spender: ALICE, value: MaxUint256, nonce: 0n, deadline: MaxUint256 };
    const later = "Who has this signature can move what Permit tells, without a transaction of the account.";
    const result = typedData({ Permit }, value, { descriptors: [usdc] });
    expect(result.warnings).toEqual([later, "It approves an unlimited amount: message.value."]);
    const small = typedData(
      { Permit },
      { ...value, value: 2_500_000n, deadline: 1_900_000_000n },
      { descriptors: [usdc] },
    );
    expect(shown(small, "message.value")).toEqual(['message.value: 2.5 "USDC" = "2500000"']);
    expect(shown(small, "message.deadline")).toEqual(['message.deadline: 2030-03-17T17:46:40.000Z = "1900000000"']);
    expect(small.warnings).toEqual([later]);
    const names = ["holder:address", "spender:address", "nonce:uint256", "expiry:uint256", "allowed:bool"];
    const Dai = names.map((each) => ({ name: each.split(":")[0] ?? "", type: each.split(":")[1] ?? "" }));
    const dai = { holder: ACCOUNT, spender: ALICE, nonce: 0n, expiry: 0n, allowed: true };
    expect(typedData({ Permit: Dai }, dai).warnings).toContain("It approves an unlimited amount: message.allowed.");
  });

  test("typed data by a descriptor of its contract and its whole type", () => {
    const Order = [
      { name: "amount", type: "uint256" },
      { name: "to", type: "address" },
    ];
    const descriptor = (format: string, address = TOKEN, domain: object = {}) => ({
      context: { eip712: { deployments: [{ chainId: 1, address }], domain } },
      display: {
        formats: { [format]: { intent: "Buy", fields: [{ path: "amount", label: "Price", format: "amount" }] } },
      },
    });
    const value = { amount: 5n * 10n ** 17n, to: ALICE };
    const amount = (file: object) => shown(typedData({ Order }, value, { descriptors: [file] }), "message.amount");
    const raw = ['message.amount: "500000000000000000"'];
    const key = "Order(uint256 amount,address to)";
    expect(amount(descriptor(key))).toEqual(['message.amount: "Price": 0.5 ETH = "500000000000000000"']);
    expect(amount(descriptor(key, TOKEN, { name: "x" }))).not.toEqual(raw);
    expect(amount(descriptor(key, TOKEN, { name: "y" }))).toEqual(raw);
    expect(amount(descriptor(key, VAULT))).toEqual(raw);
    expect(amount(descriptor("Order(uint256 amount)"))).toEqual(raw);
    expect(amount(descriptor("Order"))).toEqual(raw);
    const schemas = [{ primaryType: "Order", types: { EIP712Domain: [], Order } }];
    const first = descriptor("Order");
    expect(amount({ ...first, context: { eip712: { ...first.context.eip712, schemas } } })).not.toEqual(raw);
  });

  test("fees above the ceiling, and above a share of the value", () => {
    const fees = (others: object, options = {}) => verified(ALICE, "0x", options, others).warnings;
    const gwei = 10n ** 9n;
    expect(fees({ maxFeePerGas: 1_000n * gwei })).toEqual([]);
    expect(fees({ maxFeePerGas: 1_001n * gwei })).toEqual(["Fees can cost 0.1001 ETH, more than 0.1 ETH."]);
    expect(fees({ maxFeePerGas: 10n * gwei, value: parseEther("0.01") })).toEqual([]);
    expect(fees({ maxFeePerGas: 11n * gwei, value: parseEther("0.01") })).toEqual([
      "Fees can cost 0.0011 ETH, more than 10 % of the value.",
    ]);
    expect(fees({ maxFeePerGas: 11n * gwei, value: parseEther("0.01") }, { maxFeeShare: 0.2 })).toEqual([]);
    expect(fees({ maxFeePerGas: 10n }, { maxFee: 1n })).toEqual([
      "Fees can cost 0.000000000001 ETH, more than 0.000000000000000001 ETH.",
    ]);
  });

  test("addresses that the address book lacks", () => {
    const data = abi.encodeFunctionData("transfer", [ALICE, 1n]);
    const unknown = (addressBook: Record<string, string>) => verified(TOKEN, data, { addressBook }).warnings;
    expect(unknown({ [ALICE]: "Alice", [TOKEN]: "USDC" })).toEqual([]);
    expect(unknown({ [ALICE]: "Alice" })).toEqual([`${TOKEN} is not in your address book.`]);
    expect(unknown({})).toEqual([`${TOKEN} is not in your address book.`, `${ALICE} is not in your address book.`]);
    const Order = [{ name: "to", type: "address[]" }];
    const many = Array.from({ length: 30 }, (_, index) => `0x${`${index + 10}`.repeat(20)}`);
    const { warnings } = typedData({ Mail: Order }, { to: many }, { addressBook: {} });
    expect(warnings.at(-1)).toBe("11 more addresses are not in your address book.");
  });

  test("a message of 32 bytes", () => {
    const text = "a".repeat(32);
    const content = { type: "message", message: toUtf8Bytes(text) };
    const request = requestFor("a message", { digest: hashMessage(text), content });
    expect(verifyApprovalRequest(request, ANY).warnings).toEqual([
      "The message has 32 bytes: it may be a hash of something else.",
    ]);
  });
});

test.each<[string, Partial<VerifyRequestOptions>]>([
  ["an address book by name", { addressBook: { alice: "0x" } }],
  ["an address book with a wrong checksum", { addressBook: { "0xa0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48": "x" } }],
  ["an ABI that is none", { abis: { [TOKEN]: "nonsense(" } }],
  [
    "an ABI with a parameter of several lines",
    { abis: { [TOKEN]: [{ type: "function", name: "f", inputs: [{ name: "x\nto", type: "uint256" }] }] } },
  ],
  ["a descriptor without deployments", { descriptors: [{ context: { contract: {} }, display: { formats: {} } }] }],
  ["a descriptor that includes another", { descriptors: [{ ...usdc, includes: "other.json" }] }],
  ["a share of 10", { maxFeeShare: 10 }],
])("%s is refused", async (_name, options) => {
  expect(await failureOf(() => verified(TOKEN, "0x", options))).toMatchObject({ code: "INVALID_ARGUMENT" });
});
