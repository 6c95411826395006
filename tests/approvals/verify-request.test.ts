import { describe, expect, test } from "@jest/globals";
import { Signature, Transaction } from "ethers";
import {
  type ApprovalRequest,
  parseApprovalRequest,
  serializeApprovalRequest,
  verifyApprovalRequest,
} from "../../src/approvals/index.ts";
import {
  ACCOUNT,
  ANY,
  CONTENTS,
  contentOf,
  EXPIRES,
  failureOf,
  NOW,
  quorumFailure,
  requestFor,
  tokenFile,
  unfold,
} from "./requests.ts";

const OTHER = "0x000000000000000000000000000000000000dEaD";
const bare = requestFor("a message", { content: { type: "digest" } });

describe.each(Object.keys(CONTENTS))("the request for %s", (name) => {
  const request = requestFor(name);

  test("is verified, as it was made and after its travel", () => {
    for (const each of [request, parseApprovalRequest(serializeApprovalRequest(request))]) {
      const verified = verifyApprovalRequest(each, { ...ANY, expectedAccount: ACCOUNT.toLowerCase() });
      expect(verified).toMatchObject({
        request,
        content: request.content,
        digest: contentOf(name)[0],
        account: ACCOUNT,
      });
      expect(verified.chainId).toBe(request.chainId === undefined ? undefined : 1n);
    }
  });

  // Everything that stands in the content, one place at a time, and the digest.
  test("is refused once any of it is another", async () => {
    const places = [["digest"], ...leaves(request.content).map((path) => ["content", ...path])];
    expect(places.length).toBeGreaterThan(2);
    for (const path of places) {
      const tampered = changed(request, path);
      const error = await failureOf(() => verifyApprovalRequest(tampered, ANY));
      const isKnown = error["code"] === "INVALID_ARGUMENT" || isMismatch(error);
      if (!isKnown) throw new Error(`${path.join(".")} may be changed: ${error["message"]}`);
    }
  });

  test("is refused with any of its content absent", async () => {
    for (const path of branches(request.content)) {
      const error = await failureOf(() => verifyApprovalRequest(without(request, ["content", ...path]), ANY));
      expect(error["code"] === "INVALID_ARGUMENT" || isMismatch(error)).toBe(true);
    }
  });
});

test("content and digest of two requests do not mix", async () => {
  const names = Object.keys(CONTENTS);
  for (const name of names) {
    const others = names.filter((other) => other !== name);
    for (const other of others) {
      const mixed = { ...requestFor(name), content: requestFor(other).content };
      expect(await failureOf(() => verifyApprovalRequest(mixed, ANY))).toMatchObject(
        quorumFailure("ACCESS_DENIED", "content-mismatch"),
      );
    }
  }
});

test("what a decoded transaction shows beside its serialization is refused", async () => {
  const request = requestFor("a transaction of type 2");
  const content = request.content as { decoded: object };
  const decoded = { ...content.decoded, memo: "harmless" };
  const error = await failureOf(() =>
    verifyApprovalRequest({ ...request, content: { ...content, decoded } } as unknown as ApprovalRequest, ANY),
  );
  expect(error).toMatchObject(quorumFailure("ACCESS_DENIED", "content-mismatch"));
});

describe("the time", () => {
  const request = requestFor("a message");

  test("is past at its end, not before", async () => {
    const last = new Date(EXPIRES.getTime() - 1);
    expect(verifyApprovalRequest(request, { ...ANY, now: last }).digest).toBe(request.digest);
    for (const now of [EXPIRES, new Date(EXPIRES.getTime() + 1)]) {
      expect(await failureOf(() => verifyApprovalRequest(request, { ...ANY, now }))).toMatchObject(
        quorumFailure("ACCESS_DENIED", "expired", { expiresAt: EXPIRES.toISOString() }),
      );
    }
  });

  test("is this computer's unless given", async () => {
    const hour = 3_600_000;
    const clock = { ...ANY, now: undefined };
    const times = (from: number) => ({
      createdAt: new Date(Date.now() + from),
      expiresAt: new Date(Date.now() + from + hour),
    });
    expect(verifyApprovalRequest(requestFor("a message", times(-1_000)), clock).account).toBe(ACCOUNT);
    expect(
      await failureOf(() => verifyApprovalRequest(requestFor("a message", times(-2 * hour)), clock)),
    ).toMatchObject(quorumFailure("ACCESS_DENIED", "expired"));
  });

  test("must be one", async () => {
    const now = new Date(Number.NaN);
    expect(await failureOf(() => verifyApprovalRequest(request, { ...ANY, now }))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("what the approver expects", () => {
  test.each([
    ["expectedAccount", { expectedChainId: 1 }],
    ["expectedAccount", { expectedAccount: undefined, expectedChainId: 1 }],
    ["expectedChainId", { expectedAccount: ACCOUNT }],
    ["expectedChainId", { expectedAccount: ACCOUNT, expectedChainId: null }],
    ["expectedAccount", undefined],
  ])("%s must be there, or false: %p", async (argument, options) => {
    const request = requestFor("a message");
    const error = await failureOf(() => verifyApprovalRequest(request, { now: NOW, ...options } as never));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument });
    expect(await failureOf(() => verifyApprovalRequest(request, undefined as never))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  test("is the account", async () => {
    const request = requestFor("a message");
    expect(await failureOf(() => verifyApprovalRequest(request, { ...ANY, expectedAccount: OTHER }))).toMatchObject(
      quorumFailure("ADDRESS_MISMATCH", "account-mismatch", { expected: OTHER, actual: ACCOUNT }),
    );
    expect(await failureOf(() => verifyApprovalRequest(request, { ...ANY, expectedAccount: "me" }))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  test.each([
    ["a transaction of type 2", {}, true],
    ["a transaction of type 2", { expectedChainId: "0x5" }, false],
    ["a transaction of type 0, any chain", {}, false],
    ["a transaction of type 0, any chain", { chainId: 1 }, false],
    ["typed data", {}, true],
    ["typed data", { expectedChainId: 5n }, false],
    ["an authorization", {}, true],
    ["an authorization for every chain", {}, false],
    ["an authorization for every chain", { chainId: 1 }, false],
    ["a message", {}, true],
    ["a message", { chainId: 1 }, true],
    ["a message", { chainId: 5 }, false],
  ])("is the chain: %s, %p", async (name, changes, passes) => {
    const { expectedChainId = 1, ...others } = changes as { expectedChainId?: number };
    const request = requestFor(name, others);
    const verify = () => verifyApprovalRequest(request, { ...ANY, expectedChainId });
    if (passes) expect(verify().digest).toBe(request.digest);
    else expect(await failureOf(verify)).toMatchObject(quorumFailure("ACCESS_DENIED", "chain-mismatch"));
  });
});

test("a bare digest is refused unless it is allowed", async () => {
  for (const options of [ANY, { ...ANY, allowBareDigest: false }]) {
    expect(await failureOf(() => verifyApprovalRequest(bare, options))).toMatchObject(
      quorumFailure("ACCESS_DENIED", "bare-digest"),
    );
  }
  const verified = verifyApprovalRequest(bare, { ...ANY, allowBareDigest: true });
  expect(unfold(verified.summary)).toContain("a digest of unknown content");
  expect(verified.warnings).toEqual(["Nothing but the requester's word tells what this digest is."]);
});

test("a request that names another chain than its content is refused", async () => {
  const request = requestFor("a transaction of type 2");
  const { chainId: _, ...unnamed } = request;
  for (const tampered of [{ ...request, chainId: "5" }, unnamed]) {
    expect(await failureOf(() => verifyApprovalRequest(tampered, ANY))).toMatchObject(
      quorumFailure("ACCESS_DENIED", "chain-mismatch"),
    );
  }
});

test("another token, or one for something else, is refused", async () => {
  const request = requestFor("a message");
  const { token } = tokenFile(new Uint8Array([9]));
  for (const [changes, reason] of [
    [{ token }, "token-mismatch"],
    [{ approval_data: Buffer.from("x").toString("base64") }, "token-mismatch"],
    [{ service: "key-management" }, "wrong-service"],
  ] as const) {
    const tampered = { ...request, token: { ...request.token, ...changes } };
    expect(await failureOf(() => verifyApprovalRequest(tampered, ANY))).toMatchObject(
      quorumFailure("ACCESS_DENIED", reason),
    );
  }
});

test("what is verified is a copy that other code cannot change", () => {
  const request = structuredClone(requestFor("a message")) as ApprovalRequest & { content: { text?: string } };
  const verified = verifyApprovalRequest(request, ANY);
  request.content.text = "something else";
  expect(verified.content).toMatchObject({ text: "Grüße, 0x00" });
  expect(verified.request.content).toMatchObject({ text: "Grüße, 0x00" });
});

test("a request that answers differently each time it is read is judged by one reading", async () => {
  const [digest, content] = contentOf("a message");
  let reads = 0;
  const shifty = { ...requestFor("a message", { digest, content }) };
  Object.defineProperty(shifty, "digest", {
    enumerable: true,
    get: () => (reads++ === 0 ? digest : `0x${"00".repeat(32)}`),
  });
  expect(verifyApprovalRequest(shifty, ANY).digest).toBe(digest);
  expect(reads).toBe(1);
});

test("an authorization whose signature names no account is shown as that", () => {
  const signature = Signature.from({ r: `0x${"ff".repeat(32)}`, s: `0x${"01".repeat(32)}`, v: 27 });
  const transaction = Transaction.from({
    type: 4,
    chainId: 1,
    to: OTHER,
    authorizationList: [{ address: OTHER, nonce: 1n, chainId: 0n, signature }],
  });
  const request = requestFor("a message", {
    digest: transaction.unsignedHash,
    content: { type: "transaction", unsigned: transaction.unsignedSerialized },
  });
  const { summary } = verifyApprovalRequest(request, ANY);
  expect(unfold(summary)).toContain(`no account (invalid signature) to run ${OTHER}, chain 0 (every chain), nonce 1`);
});

function isMismatch(error: Record<string, unknown>): boolean {
  const { reason } = (error["info"] ?? {}) as { reason?: string };
  return error["name"] === "SignerError" && ["content-mismatch", "chain-mismatch"].includes(`${reason}`);
}

/** Where the values stand that are no object and no list. */
function leaves(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [[]];
  return Object.entries(value).flatMap(([name, member]) => leaves(member).map((path) => [name, ...path]));
}

/** Where the members stand that can be left out. */
function branches(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [
    [name],
    ...branches(member).map((path) => [name, ...path]),
  ]);
}

function changed(request: ApprovalRequest, path: readonly string[]): ApprovalRequest {
  const copy = structuredClone(request);
  const last = path.at(-1) ?? "";
  const holder = holderOf(copy, path);
  holder[last] = another(holder[last]);
  return copy;
}

function without(request: ApprovalRequest, path: readonly string[]): ApprovalRequest {
  const copy = structuredClone(request);
  const holder = holderOf(copy, path);
  if (Array.isArray(holder)) holder.splice(Number(path.at(-1)), 1);
  else delete holder[path.at(-1) ?? ""];
  return copy;
}

function holderOf(value: object, path: readonly string[]): Record<string, unknown> {
  return path
    .slice(0, -1)
    .reduce((holder, name) => holder[name] as Record<string, unknown>, value as Record<string, unknown>);
}

/** A value of the same form where there is one, so that not only the form's check is tried. */
function another(value: unknown): unknown {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return value + 1;
  if (value === null) return OTHER;
  const text = `${value}`;
  if (text === "0x") return "0x00";
  return /[0-9a-f]$/.test(text) ? `${text.slice(0, -1)}${text.endsWith("1") ? "2" : "1"}` : `${text}x`;
}
