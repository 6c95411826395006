import { describe, expect, test } from "@jest/globals";
import {
  concat,
  encodeBase64,
  hashMessage,
  Interface,
  MaxUint256,
  sha256,
  Transaction,
  TypedDataEncoder,
  toUtf8Bytes,
} from "ethers";
import {
  type ApprovalRequest,
  approveQuorumToken,
  collectApprovals,
  createApprovalRequest,
  mergeApprovals,
  parseApprovalRequest,
  parseQuorumApproval,
  quorumApprover,
  serializeApprovalRequest,
  type VerifyRequestOptions,
  verifyApprovalRequest,
} from "../../src/approvals/index.ts";
import type { SignRequest } from "../../src/signer/sign-request.ts";
import { stopTime } from "../support/stopped-time.ts";
import { expectHonest } from "./random-requests.ts";
import { ACCOUNT, ANY, EXPIRES, failureOf, quorumFailure, requestFor, rsaKey, tokenFile, unfold } from "./requests.ts";

stopTime();

const CONTRACT = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const MINE = "0x000000000000000000000000000000000000dEaD";
const abi = new Interface(["function pay(address to,uint256 amount,string memo,uint8 kind)"]);

/** What must not be on the screen, and the text around it. */
const TEXTS: readonly (readonly [name: string, hidden: RegExp, text: string])[] = [
  ["bidi override", /\u202e/, "\u202eHTE 001"],
  ["bidi isolate", /\u2067/, "\u2067x"],
  ["letters from right to left", /[\u05d0\u0628]/, "\u05d0 value \u0628"],
  ["zero width", /[\u200b\u2060\ufeff]/, "0x\u200b1\u2060\ufeff"],
  ["combining", /[\u0338\u20dd]/, "=\u0338 1\u20dd"],
  ["ANSI", /[\p{Cc}]/u, "\u001b[2J\u001b[1;1Hvalue         0 ETH\u009b1m"],
  ["line separators", /[\n\u2028\u2029\u0085]/, "a\nvalue         0 ETH\u2028b\u2029c\u0085d"],
  ["tabs and carriage returns", /[\t\r]/, "a\rvalue\t0"],
  ["spaces", /[\u00a0\u3000\u2800]/, `a${" ".repeat(80)}value\u00a00\u3000ETH\u2800`],
  ["labels of ours", /\n(Digest|value|WARNING)/, 'Digest: 0x00 "\nWARNING       none'],
  ["quotation marks", /[\u201c\u201d\uff02\u2033]|''/, `x\u201d = ${MINE}: \u201cx\uff02\u2033 x'' = 0x`],
  ["full width", /[\uff36\uff41]/, "\uff36\uff41\uff4c\uff55\uff45"],
  ["mathematical letters", /[\u{1d42f}\u{1d7ce}]/u, "\u{1d42f}\u{1d41a}\u{1d425}\u{1d42e}\u{1d41e} \u{1d7ce}"],
  ["phonetic letters", /[\u0251\u0261]/, "p\u0251yp\u0251l \u0261"],
  ["tags", /\u{e0041}/u, "a\u{e0041}b"],
  ["wide by the terminal", /\n/, "\u00b0".repeat(60)],
  ["very long", /yyy/, `${"x".repeat(5_000)}yyy`],
];

function message(text: string): object {
  return { digest: hashMessage(text), content: { type: "message", message: toUtf8Bytes(text) } };
}

function typedData(text: string): object {
  const [domain, types, value] = [{ name: text }, { Mail: [{ name: "to", type: "string" }] }, { to: text }];
  return { digest: TypedDataEncoder.hash(domain, types, value), content: { type: "typed-data", domain, types, value } };
}

function payment(memo: string, fields: object = {}): object {
  const data = abi.encodeFunctionData("pay", [MINE, 7n, memo, 1]);
  const fees = { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n, gasLimit: 100_000n };
  const made = Transaction.from({ type: 2, chainId: 1n, to: CONTRACT, data, ...fees, ...fields });
  return { digest: made.unsignedHash, content: { type: "transaction", unsigned: made.unsignedSerialized } };
}

function descriptor(text: string): object {
  const field = (path: string, format: string, params: object = {}) => ({ path, format, label: text, params });
  return {
    context: { contract: { deployments: [{ chainId: 1, address: CONTRACT }] } },
    metadata: { token: { ticker: text, decimals: 6 }, enums: { kinds: { 1: text } } },
    display: {
      formats: {
        "pay(address to,uint256 amount,string memo,uint8 kind)": {
          intent: text,
          fields: [
            ...[field("to", "addressName"), field("memo", "raw")],
            field("amount", "tokenAmount", { tokenPath: "@.to" }),
            field("kind", "enum", { $ref: "$.metadata.enums.kinds" }),
          ],
        },
      },
    },
  };
}

/** Each place where a text of others is shown. */
const PLACES: Readonly<Record<string, (text: string) => { readonly request: object; readonly files?: object }>> = {
  "a message": (text) => ({ request: message(text) }),
  "typed data and its domain": (text) => ({ request: typedData(text) }),
  "the text of a call": (text) => ({ request: payment(text), files: { abis: { [CONTRACT]: abi.fragments } } }),
  "an address book": (text) => ({ request: payment(""), files: { addressBook: { [CONTRACT]: text, [MINE]: text } } }),
  "a descriptor's labels, intent, enum and ticker": (text) => ({
    request: payment(""),
    files: { descriptors: [descriptor(text)] },
  }),
  "the requester and the note": (text) => ({ request: { requester: text.slice(0, 256), note: text.slice(0, 4_096) } }),
};

describe.each(Object.entries(PLACES))("in %s", (_place, make) => {
  test.each(TEXTS)("%s", async (_name, hidden, text) => {
    const { request, files } = make(text);
    const show = () =>
      verifyApprovalRequest(requestFor("a message", { id: "request-1", ...request }), { ...ANY, ...files });
    const { length } = text;
    const isShown = await Promise.resolve()
      .then(show)
      .catch(({ code }) => code as string);
    // A requester's words with control characters are not a request.
    if (typeof isShown === "string") expect([isShown, "requester" in request]).toEqual(["INVALID_ARGUMENT", true]);
    else {
      expectHonest(isShown);
      expect(isShown.summary.split("\n").join("|")).not.toMatch(hidden);
      expect(isShown.lines.map(([, value]) => value).join("|")).not.toMatch(hidden);
      const isCut = unfold(isShown.summary).includes(`and more: ${length} characters`);
      if (length > 5_000 && !("requester" in request)) expect(isCut).toBe(true);
    }
  });
});

test("a descriptor cannot make an amount the recipient: its label is quoted, beside the value and its place", () => {
  const { summary } = verifyApprovalRequest(requestFor("a message", payment("")), {
    ...ANY,
    descriptors: [descriptor(`To: ${MINE}`)],
  });
  const text = unfold(summary);
  expect(text).toContain(`call.amount   "To: ${MINE}": 0.000007 "To: ${MINE}" = 7`);
  expect(text).toMatch(new RegExp(`^to {12}${CONTRACT}$`, "m"));
  expect(text).toContain(`call.to       "To: ${MINE}": ${MINE}`);
});

test.each([10n ** 77n, MaxUint256])("%s wei is shown with each of its digits", (value) => {
  const { summary } = verifyApprovalRequest(requestFor("a message", payment("", { value })), ANY);
  expect(unfold(summary)).toContain(`(${value} wei)`);
  expectHonest({ summary });
});

test("fees beyond every number are not a request", async () => {
  const fields = { gasLimit: MaxUint256, maxFeePerGas: MaxUint256 };
  expect(await failureOf(() => requestFor("a message", payment("", fields)))).toMatchObject({
    code: "INVALID_ARGUMENT",
  });
});

test.each(["vitalik.eth", "dead", "8ba1f109551bD432803012645Ac136ddd64DBA72"])(
  "an address of typed data is not a name: %s",
  async (name) => {
    const types = { Mail: [{ name: "to", type: "address" }] };
    const content = { type: "typed-data", domain: {}, types, primaryType: "Mail", message: { to: name } };
    const text = JSON.stringify({ ...requestFor("typed data"), content });
    const error = await failureOf(() => verifyApprovalRequest(parseApprovalRequest(text), ANY));
    expect(["INVALID_ARGUMENT", "ACCESS_DENIED"]).toContain(error["code"]);
  },
);

describe("letters that look alike are warned of", () => {
  const WARNING = /mixes letters that can look alike: Latin, Cyrillic/;
  const USDC = "USD\u0421";

  test.each<[string, object, Partial<VerifyRequestOptions>]>([
    ["a note", { ...message("x"), note: USDC }, {}],
    ["typed data", typedData(USDC), {}],
    ["the text of a call", payment(USDC), { abis: { [CONTRACT]: abi.fragments } }],
    ["a descriptor", payment(""), { descriptors: [descriptor(USDC)] }],
    ["an address book", payment(""), { addressBook: { [MINE]: USDC }, abis: { [CONTRACT]: abi.fragments } }],
  ])("in %s", (_name, request, options) => {
    const { warnings } = verifyApprovalRequest(requestFor("a message", request), { ...ANY, ...options });
    expect(warnings.some((warning) => WARNING.test(warning))).toBe(true);
  });

  test.each([
    ["\u13aa\u13ac a", "Latin, Cherokee"],
    ["\u2d54 a", "Latin, Tifinagh"],
    ["\u{10302} a", "Latin, Old Italic"],
    ["\u142f a", "Latin, Canadian Aboriginal"],
  ])("of rarer scripts: %j", (text, scripts) => {
    const { warnings } = verifyApprovalRequest(requestFor("a message", message(text)), ANY);
    expect(warnings).toContain(`It mixes letters that can look alike: ${scripts}.`);
  });
});

test.each([
  ["a field of a request", (text: string) => parseApprovalRequest(`{"version":1,${JSON.stringify(text)}:1}`)],
  ["a number of typed data", (text: string) => typedNumber(text)],
])("an error shows nothing of %s that moves its words", async (_name, read) => {
  const { shortMessage } = await failureOf(() => read("\u202e\u0338 ok"));
  expect(`${shortMessage}`).toMatch(/^[\x20-\x7e]+$/);
  expect(`${shortMessage}`).toContain("\\u{202e}\\u{338}");
});

function typedNumber(text: string): unknown {
  const types = { Mail: [{ name: "amount", type: "uint256" }] };
  const content = { type: "typed-data", domain: {}, types, primaryType: "Mail", message: { amount: text } };
  return verifyApprovalRequest(parseApprovalRequest(JSON.stringify({ ...requestFor("typed data"), content })), ANY);
}

const [alice, bob, short] = [rsaKey(), rsaKey(), rsaKey(1024)];

describe("approvals", () => {
  const approvers = { alice: alice.publicKey, bob: bob.publicKey };
  const current = { createdAt: new Date(), expiresAt: new Date(Date.now() + 600_000) };
  const request = requestFor("a transaction of type 2", current);

  test("with a member twice are refused", async () => {
    const text = JSON.stringify(await approveQuorumToken(tokenFile(), "bob", bob.privateKey));
    for (const [name, value] of [
      ["username", "alice"],
      ["signature", "AA=="],
      ["\\u0075sername", "alice"],
    ]) {
      const twice = `${text.slice(0, -1)},"${name}":"${value}"}`;
      expect(await failureOf(() => parseQuorumApproval(twice))).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
  });

  test.each<[string, object, number]>([
    ["one key under two names", { ...approvers, eve: bob.publicKey }, 2],
    ["one name in two cases", { bob: bob.publicKey, BOB: alice.publicKey }, 2],
    ["a key of 1,024 bits", { ...approvers, eve: short.publicKey }, 2],
    ["a private key", { alice: approvers.alice, eve: bob.privateKey }, 2],
    ["more required than there are", approvers, 3],
    ["no approvers", {}, 1],
  ])("are not collected from %s", async (_name, users, required) => {
    const open = () => collectApprovals(request, { approvers: users as typeof approvers, required });
    expect(await failureOf(open)).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("that come at once count once each", async () => {
    const collection = collectApprovals(request, { approvers, required: 2 });
    const approval = await approveQuorumToken(request.token, "bob", bob.privateKey);
    const tries = Array.from({ length: 50 }, async () => collection.add(JSON.stringify(approval)));
    const settled = await Promise.allSettled(tries);
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const reasons = settled.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    for (const reason of reasons) expect(reason).toMatchObject(quorumFailure("ACCESS_DENIED", "duplicate"));
    expect(collection.record).toMatchObject({ outcome: "pending", approvals: [{ username: "bob" }] });
    const second = await approveQuorumToken(request.token, "alice", alice.privateKey);
    const both = [1, 2].map(async () => collection.add(second));
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect((await collection.approvals).map(({ username }) => username)).toEqual(["bob", "alice"]);
  });

  test("of a request that answers differently each time are of its first answer", async () => {
    let reads = 0;
    const moving = Object.defineProperty({ ...request }, "digest", {
      enumerable: true,
      get: () => (reads++ === 0 ? request.digest : `0x${"11".repeat(32)}`),
    }) as ApprovalRequest;
    expect(collectApprovals(moving, { approvers, required: 1 }).record.digest).toBe(request.digest);
  });

  test.each(["x is not among\nvalid: bob", `${"a ".repeat(60)}valid: bob`, "\u05d0bob"])(
    "by %j: the error shows one word",
    async (username) => {
      const approval = { username, role: "crypto-user", signature: encodeBase64(new Uint8Array(256)) };
      const error = await failureOf(() => mergeApprovals(tokenFile(), [approval], { users: approvers }));
      expect(`${error["message"]}`).not.toMatch(/[\n\u05d0]|valid: bob/);
    },
  );
});

describe("the token of a policy's request", () => {
  /** What people are asked, without waiting for their answers. */
  async function asked(digest: string, others: object = {}): Promise<ApprovalRequest> {
    const made: ApprovalRequest[] = [];
    const approver = quorumApprover({
      approvers: { bob: bob.publicKey },
      required: 1,
      ask: (request) => {
        made.push(request);
        return Promise.reject(new Error("enough"));
      },
    });
    const request = { kind: "digest", account: ACCOUNT, digest, time: 1 } as SignRequest;
    const policyRequest = {
      id: "ab".repeat(16),
      rule: "people",
      policyId: "cd".repeat(32),
      digest,
      request,
      ...others,
    };
    await approver({ ...policyRequest, expiresAt: Date.now() + 60_000 } as never, {}).catch(() => undefined);
    const [only] = made;
    if (only === undefined) throw new Error("nothing was asked");
    return only;
  }

  const [mine, honest] = [`0x${"11".repeat(32)}`, hashMessage("hello")];
  const options = { ...ANY, now: new Date(), allowBareDigest: true };

  test("is shown with its policy", async () => {
    const { summary } = verifyApprovalRequest(await asked(mine), options);
    expect(unfold(summary)).toMatch(/^policy {8}(cd){32}$/m);
    expect(unfold(summary)).toContain("which names this request and its digest");
  });

  test.each<[string, (request: ApprovalRequest, other: ApprovalRequest) => object]>([
    ["another digest's", (_request, other) => ({ token: other.token })],
    ["content and digest beside it", (_request, { token }) => ({ ...requestFor("a message"), token })],
    ["another id", () => ({ id: "other" })],
    ["another account", () => ({ account: MINE })],
    ["another end", () => ({ expiresAt: EXPIRES.toISOString() })],
    [
      "bytes after it",
      ({ token }) => {
        const data = concat([Buffer.from(token.approval_data, "base64"), "0x0a"]);
        return { token: { ...token, approval_data: encodeBase64(data), token: encodeBase64(sha256(data)) } };
      },
    ],
  ])("with %s is refused by approvers and by the collection", async (_name, change) => {
    const [request, other] = [await asked(mine), await asked(honest)];
    const changed = { ...request, ...change(request, other) } as ApprovalRequest;
    const expected = quorumFailure("ACCESS_DENIED", "token-mismatch");
    expect(await failureOf(() => verifyApprovalRequest(changed, options))).toMatchObject(expected);
    const sign = () => approveQuorumToken(changed, "bob", bob.privateKey, options);
    expect(await failureOf(sign)).toMatchObject(expected);
    const collect = () => collectApprovals(changed, { approvers: { bob: bob.publicKey }, required: 1 });
    expect(await failureOf(collect)).toMatchObject(expected);
  });

  test("an approval of one request is not one of another account, chain, policy or time", async () => {
    const request = await asked(mine);
    const approval = await approveQuorumToken(request, "bob", bob.privateKey, options);
    const onOtherChain = await asked(hashMessage("the same on another chain"));
    const ofOtherPolicy = await asked(mine, { policyId: "ef".repeat(32) });
    const ofOtherAccount = await asked(mine, { request: { kind: "digest", account: MINE, digest: mine, time: 1 } });
    const again = await asked(mine, { id: "12".repeat(16) });
    for (const other of [onOtherChain, ofOtherPolicy, ofOtherAccount, again]) {
      const collection = collectApprovals(other, { approvers: { bob: bob.publicKey }, required: 1 });
      expect(await failureOf(() => collection.add(approval))).toMatchObject({ info: { reason: "bad-signature" } });
    }
    expect(serializeApprovalRequest(request)).toContain(request.digest);
    expect(
      createApprovalRequest({
        ...request,
        expiresAt: new Date(request.expiresAt),
        createdAt: new Date(request.createdAt),
      } as never),
    ).toEqual(request);
  });
});
