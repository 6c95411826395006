import { describe, expect, test } from "@jest/globals";
import {
  concat,
  encodeRlp,
  getAddress,
  hashAuthorization,
  hashMessage,
  hexlify,
  keccak256,
  Transaction,
  TypedDataEncoder,
  toUtf8Bytes,
  Wallet,
} from "ethers";
import fc from "fast-check";
import {
  createApprovalRequest,
  parseApprovalRequest,
  serializeApprovalRequest,
  verifyApprovalRequest,
} from "../../src/approvals/index.ts";
import type { SigningPayload } from "../../src/signer/payload.ts";
import { cases } from "../support/cases.ts";
import {
  ACCOUNT,
  ANY,
  AUTHORITY,
  CONTENTS,
  CREATED,
  contentOf,
  EXPIRES,
  failureOf,
  quorumFailure,
  requestFor,
  TYPED_DATA,
  tokenFile,
} from "./requests.ts";

describe.each(Object.keys(CONTENTS))("the request for %s", (name) => {
  test("carries the digest, and survives its JSON", () => {
    const request = requestFor(name);
    const [digest] = contentOf(name);
    expect(request.digest).toBe(digest);
    const text = serializeApprovalRequest(request);
    expect(parseApprovalRequest(text)).toEqual(request);
    expect(serializeApprovalRequest(parseApprovalRequest(text))).toBe(text);
  });

  test("is not made for another digest", async () => {
    const other = `0x${"01".repeat(32)}`;
    expect(await failureOf(() => requestFor(name, { digest: other }))).toMatchObject(
      quorumFailure("ACCESS_DENIED", "content-mismatch", { digest: other }),
    );
  });
});

describe("a transaction", () => {
  const common = {
    nonce: 7,
    to: "0x000000000000000000000000000000000000dEaD",
    value: "1500000000000000000",
    valueEther: "1.5",
    gasLimit: "90000",
    data: "0xa9059cbb",
  };
  const market = { maxFeePerGas: "30000000000", maxPriorityFeePerGas: "1000000000" };
  const accessList = [{ address: "0x000000000000000000000000000000000000dEaD", storageKeys: [`0x${"11".repeat(32)}`] }];

  test.each<[string, object]>([
    ["type 0, any chain", { type: 0, chainId: null, ...common, gasPrice: "20000000000", maxFeeEther: "0.0018" }],
    ["type 0", { type: 0, chainId: "1", ...common, gasPrice: "20000000000", maxFeeEther: "0.0018" }],
    ["type 1", { type: 1, chainId: "1", ...common, gasPrice: "20000000000", maxFeeEther: "0.0018", accessList }],
    ["type 2", { type: 2, chainId: "1", ...common, ...market, maxFeeEther: "0.0027", accessList: [] }],
    [
      "type 2, a new contract",
      { type: 2, chainId: "1", ...common, ...market, to: null, data: "0x6000", maxFeeEther: "0.0027", accessList: [] },
    ],
    [
      "type 3",
      {
        type: 3,
        chainId: "1",
        ...common,
        ...market,
        maxFeePerBlobGas: "5",
        maxFeeEther: "0.00270000000065536",
        accessList: [],
        blobVersionedHashes: [`0x01${"22".repeat(31)}`],
      },
    ],
    [
      "type 4",
      {
        type: 4,
        chainId: "1",
        ...common,
        ...market,
        maxFeeEther: "0.0027",
        accessList,
        authorizationList: [
          { chainId: "1", address: "0xdEDEDEDEdEdEdEDedEDeDedEdEdeDedEdEDedEdE", nonce: "3", authority: AUTHORITY },
        ],
      },
    ],
  ])("of %s is decoded", (name, decoded) => {
    const { content } = requestFor(`a transaction of ${name}`);
    const [, given] = contentOf(`a transaction of ${name}`);
    expect(content).toEqual({
      type: "transaction",
      unsigned: given.type === "transaction" ? given.unsigned : undefined,
      decoded,
    });
  });

  test("of any value, nonce, price and data says what was put into it", () => {
    const word = fc.bigInt({ min: 0n, max: 2n ** 128n });
    const fields = fc.record({
      type: fc.constantFrom(0, 1, 2, 3, 4),
      nonce: fc.nat(),
      value: word,
      price: word,
      gasLimit: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      chainId: fc.bigInt({ min: 1n, max: 2n ** 53n }),
      data: fc.uint8Array({ maxLength: 200 }),
    });
    const to = ACCOUNT;
    const blobVersionedHashes = [`0x01${"33".repeat(31)}`];
    const authorization = new Wallet(`0x${"43".repeat(32)}`).authorizeSync({
      address: ACCOUNT,
      chainId: 0n,
      nonce: 1n,
    });
    const extras = [
      {},
      { to },
      { to },
      { to, blobVersionedHashes, maxFeePerBlobGas: 1n },
      { to, authorizationList: [authorization] },
    ];
    fc.assert(
      fc.property(fields, ({ price, data, ...others }) => {
        const fees = others.type < 2 ? { gasPrice: price } : { maxFeePerGas: price, maxPriorityFeePerGas: 0n };
        const transaction = Transaction.from({
          ...others,
          ...fees,
          ...extras[others.type],
          data: `0x${Buffer.from(data).toString("hex")}`,
        });
        const request = requestFor("a message", {
          digest: transaction.unsignedHash,
          content: { type: "transaction", unsigned: transaction.unsignedSerialized },
        });
        const { content } = parseApprovalRequest(serializeApprovalRequest(request));
        expect(content).toMatchObject({
          decoded: {
            type: others.type,
            nonce: others.nonce,
            value: `${others.value}`,
            gasLimit: `${others.gasLimit}`,
            chainId: `${others.chainId}`,
            data: transaction.data,
            ...(others.type < 2 ? { gasPrice: `${price}` } : { maxFeePerGas: `${price}`, maxPriorityFeePerGas: "0" }),
          },
        });
        expect(request.chainId).toBe(`${others.chainId}`);
      }),
      { numRuns: cases(50, 15) },
    );
  });

  test.each<[string, () => string]>([
    ["is signed", () => signed().serialized],
    ["is nothing", () => "0x"],
    ["is no transaction", () => "0x02c0"],
    ["has a type that is not known", () => "0x05c0"],
    ["has a byte too many", () => `${Transaction.from({ type: 2, chainId: 1 }).unsignedSerialized}00`],
    ["has a number with a leading zero", () => serialized("0x0007")],
    ["has an address without its list", () => serialized("0x07").slice(0, -2)],
  ])("that %s is refused", async (_name, unsigned) => {
    const content = { type: "transaction", unsigned: unsigned() };
    expect(await failureOf(() => requestFor("a message", { content }))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("with a nonce in its one form is not", () => {
    const content = { type: "transaction", unsigned: serialized("0x07") };
    expect(requestFor("a message", { digest: keccak256(content.unsigned), content }).content).toMatchObject(content);
  });

  /** EIP-1559, all zero but for chain and nonce. */
  function serialized(nonce: string): string {
    return concat(["0x02", encodeRlp(["0x01", nonce, "0x", "0x", "0x", "0x", "0x", "0x", []])]);
  }

  function signed(): Transaction {
    const transaction = Transaction.from({ type: 2, chainId: 1 });
    transaction.signature = { r: `0x${"01".repeat(32)}`, s: `0x${"01".repeat(32)}`, v: 27 };
    return transaction;
  }
});

describe("the content", () => {
  test("of a message has its text where it is UTF-8, with any mark at its begin", () => {
    expect(requestFor("a message").content).toEqual({
      type: "message",
      message: "0x4772c3bcc39f652c2030783030",
      text: "Grüße, 0x00",
    });
    expect(requestFor("a message of bytes").content).toEqual({ type: "message", message: "0xff00" });
    const marked = { digest: hashMessage("\ufeffhi"), content: { type: "message", message: toUtf8Bytes("\ufeffhi") } };
    expect(requestFor("a message", marked).content).toMatchObject({ text: "\ufeffhi" });
    expect(requestFor("an empty message").content).toEqual({ type: "message", message: "0x", text: "" });
  });

  test("of typed data is its canonical JSON", () => {
    expect(requestFor("typed data").content).toEqual({
      type: "typed-data",
      domain: {
        name: "Permit",
        version: "1",
        chainId: "1",
        verifyingContract: `0x${"de".repeat(20)}`,
        salt: `0x${"11".repeat(32)}`,
      },
      types: TYPED_DATA.types,
      primaryType: "Permit",
      message: {
        owner: { wallet: "0x000000000000000000000000000000000000dead", tag: "0x01020304" },
        amounts: [`${2n ** 255n}`, "0"],
        delta: "-5",
        memo: "a\nb",
        payload: "0x0102",
        final: true,
      },
    });
  });

  test("of an authorization is its tuple", () => {
    const address = "0xdEDEDEDEdEdEdEDedEDeDedEdEdeDedEdEDedEdE";
    const content = { type: "authorization", chainId: "1", address, nonce: "9" };
    expect(requestFor("an authorization").content).toEqual(content);
  });

  test.each<[string, unknown]>([
    ["typed data that does not fit its types", { ...contentOf("typed data")[1], value: {} }],
    ["typed data without types", { ...contentOf("typed data")[1], types: {} }],
    [
      "typed data with a number that no uint256 holds",
      { ...contentOf("typed data")[1], value: { ...TYPED_DATA.value, amounts: [2n ** 256n, 0] } },
    ],
    ["a type that is not known", { type: "block" }],
    ["a message without bytes", { type: "message" }],
    ["an authorization for no address", { type: "authorization", chainId: 1n, address: "0x", nonce: 0n }],
    ["an authorization with a negative nonce", { ...contentOf("an authorization")[1], nonce: -1n }],
  ])("%s is refused", async (_name, content) => {
    expect(await failureOf(() => requestFor("a message", { content }))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("any content is hashed as ethers does, and survives its JSON", () => {
  const survives = (digest: string, content: SigningPayload) => {
    const request = requestFor("a message", { digest, content });
    expect(parseApprovalRequest(serializeApprovalRequest(request))).toEqual(request);
    return verifyApprovalRequest(request, ANY).content;
  };
  const address = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => getAddress(hexlify(bytes)));
  const word = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });

  test("messages", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.string({ unit: "binary" }).map((text) => toUtf8Bytes(text)),
        ),
        (message) => {
          expect(survives(hashMessage(message), { type: "message", message })).toMatchObject({
            message: hexlify(message),
          });
        },
      ),
      { numRuns: cases(100, 20) },
    );
  });

  test("authorizations", () => {
    fc.assert(
      fc.property(word, address, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (chainId, delegate, nonce) => {
        const tuple = { chainId, address: delegate, nonce };
        expect(survives(hashAuthorization(tuple), { type: "authorization", ...tuple })).toEqual({
          type: "authorization",
          chainId: `${chainId}`,
          address: delegate,
          nonce: `${nonce}`,
        });
      }),
    );
  });

  test("typed data", () => {
    const types = {
      Batch: [
        { name: "orders", type: "Order[]" },
        { name: "grid", type: "int64[2][]" },
        { name: "salt", type: "bytes32" },
      ],
      Order: [
        { name: "to", type: "address" },
        { name: "amount", type: "uint256" },
        { name: "open", type: "bool" },
        { name: "memo", type: "string" },
        { name: "data", type: "bytes" },
      ],
    };
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const order = fc.record({
      to: fc.oneof(
        address,
        address.map((each) => each.toLowerCase()),
      ),
      amount: fc.oneof(
        word,
        word.map((each) => `${each}`),
        fc.nat(),
      ),
      open: fc.boolean(),
      memo: fc.string({ unit: "binary" }),
      data: fc.oneof(
        fc.uint8Array(),
        fc.uint8Array().map((bytes) => hexlify(bytes).toUpperCase().replace("X", "x")),
      ),
    });
    const value = fc.record({
      orders: fc.array(order, { maxLength: 3 }),
      grid: fc.array(fc.tuple(int64, int64), { maxLength: 3 }),
      salt: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    });
    const domain = fc.record(
      { name: fc.string({ unit: "binary" }), version: fc.string(), chainId: word, verifyingContract: address },
      { requiredKeys: ["name"] },
    );
    fc.assert(
      fc.property(domain, value, (domain, value) => {
        const content = { type: "typed-data", domain, types, value } as const;
        const known = survives(TypedDataEncoder.hash(domain, types, value), content);
        expect(known).toMatchObject({ primaryType: "Batch", message: { salt: hexlify(value.salt) } });
      }),
      { numRuns: cases(100, 20) },
    );
  });
});

describe("the request", () => {
  const [digest, content] = contentOf("a message");
  const options = { digest, content, account: ACCOUNT, expiresAt: EXPIRES, token: tokenFile() };

  test("has an id and a time of its own, and the account with its checksum", () => {
    const a = createApprovalRequest({
      ...options,
      expiresAt: new Date(Date.now() + 60_000),
      account: ACCOUNT.toLowerCase(),
    });
    const b = createApprovalRequest({ ...options, expiresAt: new Date(Date.now() + 60_000) });
    expect(a.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(a.id).not.toBe(b.id);
    expect(Math.abs(Date.now() - Date.parse(a.createdAt))).toBeLessThan(60_000);
    expect(a.account).toBe(ACCOUNT);
    expect(a).not.toHaveProperty("requester");
    expect(a).not.toHaveProperty("chainId");
  });

  test("names the chain of its content, or the one that it is given", () => {
    expect(requestFor("a transaction of type 2").chainId).toBe("1");
    expect(requestFor("typed data").chainId).toBe("1");
    expect(requestFor("an authorization").chainId).toBe("1");
    expect(requestFor("a message", { chainId: 5 }).chainId).toBe("5");
    expect(requestFor("a transaction of type 0, any chain", { chainId: "0x5" }).chainId).toBe("5");
    expect(requestFor("an authorization for every chain")).not.toHaveProperty("chainId");
  });

  test("does not name another chain than its content", async () => {
    for (const name of ["a transaction of type 2", "typed data", "an authorization"]) {
      expect(await failureOf(() => requestFor(name, { chainId: 5n }))).toMatchObject(
        quorumFailure("ACCESS_DENIED", "chain-mismatch", { chainId: "5", contentChainId: "1" }),
      );
    }
  });

  test("may be for a bare digest", () => {
    const request = createApprovalRequest({ ...options, createdAt: CREATED, content: undefined });
    expect(request.content).toEqual({ type: "digest" });
    expect(parseApprovalRequest(serializeApprovalRequest(request))).toEqual(request);
  });

  test("does not carry a token for anything but the use of a key", async () => {
    for (const service of ["key-management", "user", "quorum"]) {
      const token = { ...tokenFile(), service };
      expect(await failureOf(() => requestFor("a message", { token }))).toMatchObject(
        quorumFailure("ACCESS_DENIED", "wrong-service"),
      );
    }
  });

  test("keeps the fields of the token that it does not know", () => {
    const token = { ...tokenFile(), cluster: { id: "cluster-1" } };
    expect(parseApprovalRequest(serializeApprovalRequest(requestFor("a message", { token }))).token).toEqual(token);
  });

  test.each<[string, object]>([
    ["a digest of 31 bytes", { digest: `0x${"01".repeat(31)}` }],
    ["an account that is none", { account: "treasury" }],
    ["an account with a wrong checksum", { account: ACCOUNT.replace("a7", "A7") }],
    ["no time to approve", { expiresAt: CREATED }],
    ["an invalid date", { expiresAt: new Date(Number.NaN) }],
    ["an empty requester", { requester: "" }],
    ["a requester with an escape sequence", { requester: "\u001b]0;x\u0007" }],
    ["a note of 5,000 characters", { note: "x".repeat(5_000) }],
    ["an id that leaves its folder", { id: "../../etc/passwd" }],
    ["a negative chain", { chainId: -1n }],
    ["more than a request can hold", { content: { type: "message", message: new Uint8Array(600_000) } }],
  ])("is not made with %s", async (_name, changes) => {
    expect(await failureOf(() => requestFor("a message", changes))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("holds a transaction as large as nodes relay", () => {
    const transaction = Transaction.from({ type: 2, chainId: 1, data: `0x${"ab".repeat(128 * 1024)}` });
    const large = { type: "transaction", unsigned: transaction.unsignedSerialized };
    const request = requestFor("a message", { digest: transaction.unsignedHash, content: large });
    expect(parseApprovalRequest(serializeApprovalRequest(request))).toEqual(request);
  });
});
