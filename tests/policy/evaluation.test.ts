import { describe, expect, test } from "@jest/globals";
import { id, keccak256, MaxUint256, Wallet, ZeroAddress } from "ethers";
import {
  account,
  allow,
  atLeast,
  atMost,
  authorization,
  baseline,
  between,
  blobs,
  type Condition,
  call,
  chain,
  custom,
  delegations,
  deny,
  deploys,
  digests,
  each,
  every,
  kind,
  maxCost,
  message,
  noCalldata,
  not,
  oneOf,
  some,
  to,
  typedData,
  unprotected,
  value,
} from "../../src/policy/index.ts";
import { definePolicy, type Policy } from "../../src/policy/policy.ts";
import type { Rule } from "../../src/policy/rules.ts";
import type { SignRequest } from "../../src/signer/sign-request.ts";
import { ACCOUNT, delegate, digest, FRIEND, OTHER, TOKEN, text, tokenCall, transaction, typed } from "./requests.ts";

const policy = (...rules: Rule[]): Policy => definePolicy({ name: "test", version: 1, rules });
const outcome = (request: SignRequest, ...conditions: Condition[]) =>
  policy(allow("it", ...conditions)).evaluate(request).outcome;

const authority = new Wallet(id("authority"));
const listOf = (address: string, chainId = 1) => [authority.authorizeSync({ address, chainId, nonce: 0 })];
const [list, everyChain, revoking] = [listOf(FRIEND), listOf(FRIEND, 0), listOf(ZeroAddress)];
const DOMAIN = { chainId: 1, verifyingContract: TOKEN };
const legacy = { type: 0, chainId: 0, gasPrice: 1n };
const blob = { type: 3, maxFeePerBlobGas: 1n, blobVersionedHashes: [`0x01${"00".repeat(31)}`] };

/** Requests that no rule allows without naming what they are, and conditions that do. */
const hazards: readonly (readonly [string, SignRequest, Condition])[] = [
  ["a bare digest", digest(), digests()],
  ["a message of 32 bytes", text("x".repeat(32)), digests()],
  ["typed data for chain 0", typed({ ...DOMAIN, chainId: 0 }), chain(0)],
  ["a transaction for chain 0", transaction({ type: 1, chainId: 0, gasPrice: 1n, maxFeePerGas: null }), chain(0)],
  ["a legacy transaction without a chain", transaction(legacy), unprotected()],
  ["the creation of a contract", transaction({ to: null, data: "0x00" }), deploys()],
  ["a blob transaction", transaction(blob), blobs(1)],
  ["a type 4 transaction", transaction({ type: 4, authorizationList: list }), delegations({ delegates: [FRIEND] })],
  ["a type 4 transaction that revokes", transaction({ type: 4, authorizationList: revoking }), delegations()],
  ["an authorization", delegate(FRIEND), authorization({ delegates: [FRIEND] })],
  ["an authorization for every chain", delegate(FRIEND, 0n), authorization({ delegates: [FRIEND], chains: [0] })],
  ["a revocation for every chain", delegate(ZeroAddress, 0n), authorization({ chains: [0] })],
  ["a domain without a chain", typed({ verifyingContract: TOKEN }), typedData({ chainId: null })],
  ["a domain without a contract", typed({ chainId: 1 }), typedData({ verifyingContract: null })],
  [
    "a domain of the zero address",
    typed({ ...DOMAIN, verifyingContract: ZeroAddress }),
    typedData({ verifyingContract: ZeroAddress }),
  ],
  ["a permit", typed(DOMAIN, "Permit"), typedData({ primaryType: "Permit" })],
  ["a permit by its hash", typed(DOMAIN, "PermitSingle"), typedData({ typeHash: id("PermitSingle(uint256 price)") })],
  ["an order of Seaport", typed(DOMAIN, "OrderComponents"), typedData({ primaryType: "OrderComponents" })],
  ["a permit of a name of its own", typed(DOMAIN, "myPermitFoo"), typedData({ primaryType: "myPermitFoo" })],
];

describe("denied unless named", () => {
  test.each(hazards)("%s", (_, request, naming) => {
    expect(outcome(request)).toBe("deny");
    const reasons = policy(allow("all of it")).evaluate(request).reasons.join();
    expect(reasons).toContain("all of it would allow it, but does not name");
    expect(outcome(request, naming)).toBe("allow");
    expect(outcome(request, some(naming, kind("message")))).toBe("allow");
    // To say that something is not another thing names nothing.
    expect(outcome(request, not(not(naming)))).toBe("deny");
  });

  test.each(hazards)("%s is not named by a condition for something else", (_, request, naming) => {
    for (const [, , other] of hazards.filter(([, , each]) => each !== naming)) {
      expect(outcome(request, some(other, kind(request.kind)))).toBe(outcome(request, other));
    }
  });

  test("a delegation to another contract, or on every chain, is not the one that was named", () => {
    const named = { delegates: [FRIEND] };
    expect(outcome(delegate(OTHER), authorization(named))).toBe("deny");
    expect(outcome(delegate(FRIEND, 0n), authorization(named))).toBe("deny");
    expect(outcome(delegate(FRIEND, 5n), authorization({ ...named, chains: [1] }))).toBe("deny");
    expect(outcome(delegate(ZeroAddress), authorization(named))).toBe("allow");
    expect(outcome(delegate(ZeroAddress))).toBe("allow");
    expect(outcome(transaction({ type: 4, authorizationList: [...list, ...everyChain] }), delegations(named))).toBe(
      "deny",
    );
    expect(outcome(transaction({ type: 4, authorizationList: list }), delegations())).toBe("deny");
  });

  test("a payload that is not believed is denied, whatever the rules name", () => {
    expect(policy(allow("digests", digests())).evaluate(digest("it is forged"))).toMatchObject({
      outcome: "deny",
      rule: null,
      reasons: ["it is forged"],
    });
  });

  test("what needs no name", () => {
    for (const request of [transaction(), typed(DOMAIN), text("hi")]) expect(outcome(request)).toBe("allow");
  });
});

describe("rules", () => {
  test("without any, everything is denied; any deny wins, and every rule is named", () => {
    expect(policy().evaluate(transaction())).toMatchObject({
      outcome: "deny",
      rule: null,
      reasons: ["no rule allows it"],
    });
    const rules = [allow("one"), deny("two", to(FRIEND)), deny("three"), deny("four", to(OTHER)), allow("five")];
    expect(policy(...rules).evaluate(transaction())).toMatchObject({
      outcome: "deny",
      rule: "two",
      reasons: ["two denies it", "three denies it"],
    });
    expect(policy(...rules.reverse()).evaluate(transaction())).toMatchObject({ outcome: "deny", rule: "three" });
    expect(policy(allow("one"), allow("two")).evaluate(transaction())).toMatchObject({ outcome: "allow", rule: "one" });
  });

  const broken: readonly (readonly [string, (request: SignRequest) => unknown])[] = [
    [
      "throws",
      () => {
        throw new Error("a bug");
      },
    ],
    ["rejects", () => Promise.reject(new Error("a bug"))],
    ["hangs", () => new Promise(() => {})],
    ["returns a truthy value", () => 1],
    ["returns nothing", () => undefined],
    ["changes the request", (request) => Object.assign(request, { value: 0n })],
  ];

  test.each(broken)("a condition that %s denies, in any rule", (_, fail) => {
    const condition = custom("broken", 1, fail as () => boolean);
    for (const rule of [
      allow("x", condition),
      deny("x", condition),
      allow("x", not(condition)),
      deny("x", some(condition, to(OTHER))),
    ]) {
      expect(policy(allow("all"), rule).evaluate(transaction())).toMatchObject({ outcome: "deny", rule: "x" });
    }
  });

  test("two rules of one name are refused", () => {
    expect(() => policy(allow("same"), deny("same"))).toThrow("two rules have the same name");
  });
});

describe("conditions", () => {
  const AT = Date.UTC(2026, 10, 30, 20, 30);
  const cases: readonly (readonly [string, SignRequest, Condition, boolean])[] = [
    ["value at its limit", transaction({ value: 2n ** 53n }), value(2n ** 53n), true],
    ["value above 2^53", transaction({ value: 2n ** 53n + 1n }), value(2n ** 53n), false],
    ["value above 2^64", transaction({ value: 2n ** 64n }), value(2n ** 64n - 1n), false],
    ["the highest value", transaction({ value: MaxUint256 }), value(MaxUint256), true],
    ["cost with fees", transaction({ value: 5n, maxFeePerGas: 2n }), maxCost(42_005n), true],
    ["cost with fees above", transaction({ value: 5n, maxFeePerGas: 2n }), maxCost(42_004n), false],
    ["cost with blobs", transaction(blob), every(blobs(1), maxCost(21_000n + 131_072n)), true],
    ["cost with blobs above", transaction(blob), every(blobs(1), maxCost(21_000n + 131_071n)), false],
    ["too many blobs", transaction(blob), blobs(0), false],
    ["its chain", transaction(), chain(5, 1n), true],
    ["another chain", transaction(), chain(5), false],
    ["a domain's chain", typed(DOMAIN), chain(1), true],
    ["a message has no chain", text("hi"), chain(1), false],
    ["its account", transaction(), account(ACCOUNT.toLowerCase()), true],
    ["another account", transaction(), account(FRIEND), false],
    ["no calldata", transaction(), noCalldata(), true],
    ["calldata", transaction({ data: "0x00" }), noCalldata(), false],
    ["init code", transaction({ to: null, data: "0x6001" }), deploys(keccak256("0x6001")), true],
    ["other init code", transaction({ to: null, data: "0x6002" }), deploys(keccak256("0x6001")), false],
    ["a text", text("login"), message("login"), true],
    ["another text", text("login!"), message("login"), false],
    ["an expression", text("login 12"), message(/^login \d+$/), true],
    ["a text around an expression", text("x\nlogin 12"), message(/^login \d+$/), false],
    ["within hours", { ...text("x"), time: AT }, between({ from: "20:30", to: "20:31" }), true],
    ["at the end", { ...text("x"), time: AT }, between({ from: "08:00", to: "20:30" }), false],
    ["over midnight", { ...text("x"), time: AT }, between({ from: "20:00", to: "06:00", days: [1] }), true],
    ["another day", { ...text("x"), time: AT }, between({ days: [2, 7] }), false],
    [
      "typed data's value",
      typed(DOMAIN),
      typedData({ chainId: 1, verifyingContract: TOKEN, where: { price: atMost(1) } }),
      true,
    ],
    ["typed data's value above", typed(DOMAIN), typedData({ where: { price: atMost(0) } }), false],
    ["typed data of another contract", typed(DOMAIN), typedData({ verifyingContract: OTHER }), false],
  ];

  test.each(cases)("%s", (_, request, condition, holds) => {
    expect(condition.match(request) !== undefined).toBe(holds);
    expect(not(condition).match(request) === undefined).toBe(holds);
  });

  const transfer = "transfer(address to, uint256 amount)";
  test("a call's arguments, at the edges of uint256, 2^53 and 2^64", () => {
    for (const limit of [0n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n, MaxUint256 - 1n]) {
      const condition = call(TOKEN, transfer, { to: oneOf(FRIEND.toLowerCase(), OTHER), amount: atMost(limit) });
      expect(outcome(tokenCall("transfer", [FRIEND, limit]), condition)).toBe("allow");
      expect(outcome(tokenCall("transfer", [FRIEND, limit + 1n]), condition)).toBe("deny");
      expect(outcome(tokenCall("transfer", [ACCOUNT, limit]), condition)).toBe("deny");
      expect(outcome(tokenCall("transfer", [FRIEND, limit], { to: OTHER }), condition)).toBe("deny");
      expect(outcome(tokenCall("approve", [FRIEND, limit]), condition)).toBe("deny");
      expect(outcome(tokenCall("transfer", [FRIEND, limit], { value: 1n }), condition)).toBe("deny");
    }
    expect(outcome(tokenCall("transfer", [FRIEND, 7n]), call("any", transfer, { amount: 7 }))).toBe("allow");
    expect(outcome(tokenCall("transfer", [FRIEND, 7n]), call("any", transfer, { amount: atLeast(8) }))).toBe("deny");
  });

  test("a matcher of another type denies", () => {
    for (const amount of ["7", true, each(7), { value: 7 }])
      expect(outcome(tokenCall("transfer", [FRIEND, 7n]), call(TOKEN, transfer, { amount }))).toBe("deny");
    expect(outcome(tokenCall("transfer", [FRIEND, 7n]), call(TOKEN, transfer, { to: atMost(7) }))).toBe("deny");
  });

  test("what cannot be right is refused when it is written", () => {
    expect(() => value(2 ** 53)).toThrow("2^53 - 1");
    expect(() => atMost(0.5)).toThrow("2^53 - 1");
    expect(() => message(/x/g)).toThrow("flags");
    expect(() => call(TOKEN, "transfer(address,uint256)", { amount: 1 })).toThrow("no argument amount");
    expect(() => call(TOKEN, "multicall(bytes[] data)")).toThrow("nested()");
    expect(() => between({ from: "8:00" })).toThrow("08:00");
    expect(() => between({ to: "24:01" })).toThrow("08:00");
    expect(() => to("0x12")).toThrow("invalid address");
  });
});

describe("baseline", () => {
  const withBaseline = policy(
    ...baseline({ chains: [1], maxCost: 10n ** 18n }),
    allow("all", some(digests(), kind("transaction", "typed-data", "message"))),
  );
  const denied: readonly (readonly [string, SignRequest])[] = [
    ["another chain", transaction({ chainId: 5 })],
    ["a domain of another chain", typed({ ...DOMAIN, chainId: 5 })],
    ["a bare digest", digest()],
    ["a message of 32 bytes", text("x".repeat(32))],
    ["too much", transaction({ value: 10n ** 18n })],
    ["an unlimited approval", tokenCall("approve", [FRIEND, MaxUint256])],
    ["an approval for all", tokenCall("setApprovalForAll", [FRIEND, true])],
    [
      "an unlimited approval among other calls",
      tokenCall("multicall", [[tokenCall("approve", [FRIEND, MaxUint256]).data]]),
    ],
  ];

  test.each(denied)("denies %s", (_, request) => {
    expect(withBaseline.evaluate(request)).toMatchObject({
      outcome: "deny",
      rule: expect.stringMatching(/^baseline: /),
    });
  });

  test.each([
    ["a transaction", transaction()],
    ["a message", text("hi")],
    ["typed data", typed(DOMAIN)],
    ["an approval", tokenCall("approve", [FRIEND, 5n])],
  ])("leaves %s to other rules", (_, request) => {
    expect(withBaseline.evaluate(request).outcome).toBe("allow");
  });
});

describe("describe, id and explain", () => {
  const rules = [allow("pay", chain(1), value(5n)), deny("never", to(OTHER))];

  test("the id is the hash of sorted JSON, and changes with each part", () => {
    const one = policy(...rules);
    expect(policy(...rules).id).toBe(one.id);
    expect(one.id).toMatch(/^[0-9a-f]{64}$/);
    const others = [
      policy(...rules.toReversed()),
      policy(allow("pay", chain(1), value(6n)), deny("never", to(OTHER))),
      definePolicy({ name: "test", version: 2, rules }),
      definePolicy({ name: "test", version: 1, rules, mode: "shadow" }),
      policy(
        ...rules,
        allow(
          "own",
          custom("own", 1, () => true),
        ),
      ),
      policy(
        ...rules,
        allow(
          "own",
          custom("own", 2, () => true),
        ),
      ),
    ];
    expect(new Set([one, ...others].map(({ id }) => id)).size).toBe(others.length + 1);
    expect(Object.keys(one.describe() as object)).toEqual(["mode", "name", "rules", "version"]);
  });

  test("it explains for people, and quotes what the request says", () => {
    expect(policy(...rules).explain(transaction({ to: OTHER, value: 6n }))).toContain("because never denies it");
    expect(policy(...rules).explain(transaction())).toContain("allowed by pay");
    expect(policy(...rules).explain(text("\u001b[2Jhello"))).not.toContain("\u001b");
  });
});
