import { sign } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import {
  type MergeOptions,
  mergeApprovals,
  parseQuorumTokenFile,
  type QuorumApproval,
  serializeQuorumTokenFile,
} from "../../src/approvals/index.ts";
import { failureOf, quorumFailure, rsaKey, tokenFile } from "./requests.ts";

const file = { ...tokenFile(), cluster: "cluster-1" };
const alice = rsaKey();
const bob = rsaKey();
const carol = rsaKey();
const users = {
  alice: alice.publicKey.export({ format: "pem", type: "spki" }).toString(),
  bob: bob.publicKey,
  carol: Uint8Array.from(carol.publicKey.export({ format: "der", type: "spki" })),
};

function approval(username: string, { privateKey }: typeof alice, token = file, role = "crypto-user"): QuorumApproval {
  const data = Buffer.from(token.approval_data, "base64");
  return { username, role, signature: sign("sha256", data, privateKey).toString("base64") };
}

const byAlice = approval("alice", alice);
const byBob = approval("bob", bob);
const byCarol = approval("carol", carol);

test.each<[string, MergeOptions]>([
  ["registered keys", { users, required: 3 }],
  ["a Map of them", { users: new Map(Object.entries(users)) }],
  ["no keys", {}],
])("adds approvals in their order, with %s", (_name, options) => {
  const merged = mergeApprovals(file, [byCarol, byAlice, byBob], options);
  expect(merged).toEqual({ ...file, signatures: [byCarol, byAlice, byBob] });
  expect(parseQuorumTokenFile(serializeQuorumTokenFile(merged))).toEqual(merged);
  expect(file.signatures).toEqual([]);
});

test("keeps the approvals that the file has, before the new ones", () => {
  const one = mergeApprovals(file, [byBob], { users });
  expect(mergeApprovals(one, new Set([byAlice]), { users, required: 2 }).signatures).toEqual([byBob, byAlice]);
  expect(mergeApprovals(one, [], { users })).toEqual(one);
});

describe("refuses", () => {
  const other = tokenFile(new Uint8Array([1]));
  const flipped = Buffer.from(byAlice.signature, "base64");
  flipped[100] = (flipped[100] ?? 0) ^ 1;

  test.each<[string, QuorumApproval[], MergeOptions, string, string, string]>([
    [
      "an unknown approver",
      [byAlice, approval("mallory", bob)],
      { users },
      "ACCESS_DENIED",
      "unknown-approver",
      "mallory",
    ],
    [
      "a name of every object",
      [approval("constructor", bob)],
      { users },
      "ACCESS_DENIED",
      "unknown-approver",
      "constructor",
    ],
    ["__proto__", [approval("__proto__", bob)], { users }, "ACCESS_DENIED", "unknown-approver", "__proto__"],
    ["a name in another case", [approval("Alice", alice)], { users }, "ACCESS_DENIED", "unknown-approver", "Alice"],
    ["a user twice", [byAlice, byBob, byAlice], { users }, "ACCESS_DENIED", "duplicate", "alice"],
    ["a user twice, without keys", [byAlice, byAlice], {}, "ACCESS_DENIED", "duplicate", "alice"],
    ["a user in two cases", [byAlice, approval("ALICE", bob)], {}, "ACCESS_DENIED", "duplicate", "ALICE"],
    ["a key under two names, without keys", [byAlice, approval("eve", alice)], {}, "ACCESS_DENIED", "duplicate", "eve"],
    ["another role", [approval("alice", alice, file, "admin")], { users }, "ACCESS_DENIED", "wrong-role", "alice"],
    [
      "the usual role where another is asked for",
      [byAlice],
      { users, role: "admin" },
      "ACCESS_DENIED",
      "wrong-role",
      "alice",
    ],
    ["another's signature", [approval("alice", bob)], { users }, "SIGNATURE_MISMATCH", "bad-signature", "alice"],
    [
      "a signature of another token",
      [approval("alice", alice, { ...other, cluster: "" })],
      { users },
      "SIGNATURE_MISMATCH",
      "bad-signature",
      "alice",
    ],
    [
      "a signature with a bit flipped",
      [{ ...byAlice, signature: flipped.toString("base64") }],
      { users },
      "SIGNATURE_MISMATCH",
      "bad-signature",
      "alice",
    ],
  ])("%s", async (_name, approvals, options, code, reason, username) => {
    const error = await failureOf(() => mergeApprovals(file, approvals, options));
    expect(error).toMatchObject(quorumFailure(code, reason, { username }));
    expect(error["message"]).toContain(username);
    // The file's own approvals are judged like the new ones.
    const written = { ...file, signatures: approvals };
    expect(await failureOf(() => mergeApprovals(written, [], options))).toMatchObject(
      quorumFailure(code, reason, { username }),
    );
  });

  test.each([
    ["one key of two users", { ...users, eve: users.alice }, "eve and alice are one approver: they have the same key"],
    ["one name in two cases", { ...users, ALICE: rsaKey().publicKey }, "ALICE and alice are one approver"],
    [
      "a key of 1,024 bits, also if its user did not approve",
      { ...users, eve: rsaKey(1024).publicKey },
      "the public key of eve must be",
    ],
  ])("%s", (_name, registered, message) => {
    expect(() => mergeApprovals(file, [approval("bob", bob)], { users: registered })).toThrow(message);
  });

  test("too few", async () => {
    for (const [approvals, required] of [
      [[], 1],
      [[byAlice], 2],
      [[byAlice, byBob], 3],
    ] as const) {
      expect(await failureOf(() => mergeApprovals(file, approvals, { users, required }))).toMatchObject(
        quorumFailure("ACCESS_DENIED", "too-few-approvals", { approvals: approvals.length, required }),
      );
    }
  });

  test("malformed approvals, token files and options", async () => {
    const run = (approvals: unknown[], options: object = {}, token: object = file) =>
      failureOf(() => mergeApprovals(token as typeof file, approvals as QuorumApproval[], options));
    const malformed = { code: "INVALID_ARGUMENT" };
    expect(await run([null])).toMatchObject(malformed);
    expect(await run([{ ...byAlice, signature: "" }])).toMatchObject(malformed);
    expect(await run([{ ...byAlice, weight: 2 }])).toMatchObject(malformed);
    expect(await run([byAlice], {}, { ...file, version: "1.0" })).toMatchObject(malformed);
    for (const required of [0, -1, 1.5, Number.NaN, "2"])
      expect(await run([byAlice], { required })).toMatchObject(malformed);
    for (const key of [
      "",
      "not a key",
      alice.privateKey,
      rsaKey(1024).publicKey,
      alice.privateKey.export({ format: "pem", type: "pkcs8" }),
    ]) {
      const error = await run([byAlice], { users: { alice: key } });
      expect(error).toMatchObject({ ...malformed, value: "[REDACTED]" });
      expect(error["message"]).toContain("alice");
    }
  });
});
