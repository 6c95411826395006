import { spawnSync } from "node:child_process";
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  privateEncrypt,
  sign,
  verify,
} from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  type ApprovalRequest,
  type ApproveOptions,
  approveQuorumToken,
  parseQuorumApproval,
  type RsaPrivateKey,
  serializeQuorumApproval,
} from "../../src/approvals/index.ts";
import {
  ACCOUNT,
  ANY,
  CONTENTS,
  EXPIRES,
  failureOf,
  quorumFailure,
  requestFor,
  rsaKey,
  tokenFile,
} from "./requests.ts";

const { privateKey, publicKey } = rsaKey();
const file = tokenFile();
const approvalData = Buffer.from(file.approval_data, "base64");
const expected = sign("sha256", approvalData, privateKey).toString("base64");
const PEM = { format: "pem", type: "pkcs8" } as const;

test.each(Object.keys(CONTENTS))("approves %s, verified by its request", async (name) => {
  const request = requestFor(name);
  const options = { ...ANY, expectedAccount: ACCOUNT };
  expect(await approveQuorumToken(request, "alice", privateKey, options)).toEqual({
    username: "alice",
    role: "crypto-user",
    signature: expected,
  });
});

test.each<[string, () => RsaPrivateKey]>([
  ["KeyObject", () => privateKey],
  ["PEM, PKCS#8", () => privateKey.export(PEM).toString()],
  ["PEM, PKCS#1", () => privateKey.export({ format: "pem", type: "pkcs1" }).toString()],
  ["DER, PKCS#8", () => Uint8Array.from(privateKey.export({ format: "der", type: "pkcs8" }))],
  ["DER, PKCS#1", () => privateKey.export({ format: "der", type: "pkcs1" })],
  [
    "KeyObject, of a PEM with a passphrase",
    () => {
      const key = privateKey.export({ ...PEM, cipher: "aes-256-cbc", passphrase: "correct horse" });
      return createPrivateKey({ key, passphrase: "correct horse" });
    },
  ],
])("takes a key as %s", async (_name, key) => {
  expect((await approveQuorumToken(file, "alice", key())).signature).toBe(expected);
});

describe("a function that signs", () => {
  test("gets the token's 32 bytes and the approval data, of which either suffices", async () => {
    // DigestInfo of SHA-256 (RFC 8017, section 9.2, note 1) before the digest: what a raw RSA key pads and signs.
    const prefix = Buffer.from("3031300d060960864801650304020105000420", "hex");
    const raw = (token: Uint8Array) =>
      privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, Buffer.concat([prefix, token]));
    const whole = async (_token: Uint8Array, data: Uint8Array) => sign("sha256", data, privateKey);
    for (const signer of [raw, whole]) {
      expect((await approveQuorumToken(file, "alice", signer, { publicKey })).signature).toBe(expected);
    }
    const seen: string[] = [];
    await approveQuorumToken(file, "alice", (token, data) => {
      seen.push(Buffer.from(token).toString("base64"), Buffer.from(data).toString("base64"));
      return sign("sha256", data, privateKey);
    });
    expect(seen).toEqual([file.token, file.approval_data]);
  });

  test("cannot answer with another length, or with no bytes", async () => {
    for (const answer of [new Uint8Array(255), new Uint8Array(0), "signature", undefined]) {
      const signer = () => answer as Uint8Array;
      const error = await failureOf(() => approveQuorumToken(file, "alice", signer));
      expect(error).toMatchObject({ name: "SignerError", code: "BACKEND_RESPONSE_INVALID" });
    }
  });

  test("is checked where the public key is given", async () => {
    const hashedTwice = (token: Uint8Array) => sign("sha256", token, privateKey);
    expect(await failureOf(() => approveQuorumToken(file, "alice", hashedTwice, { publicKey }))).toMatchObject(
      quorumFailure("SIGNATURE_MISMATCH", "bad-signature"),
    );
  });

  test("fails with its own error", async () => {
    const error = new Error("the card was removed");
    const signer = () => Promise.reject(error);
    expect(await failureOf(() => approveQuorumToken(file, "alice", signer))).toBe(error);
  });

  test("is not called for a request that is refused", async () => {
    let calls = 0;
    const signer = () => {
      calls += 1;
      return new Uint8Array(256);
    };
    const request = requestFor("a message");
    for (const [source, options] of [
      [request, { ...ANY, now: EXPIRES }],
      [request, { ...ANY, expectedAccount: "0x000000000000000000000000000000000000dEaD" }],
      [{ ...request, digest: `0x${"01".repeat(32)}` }, ANY],
      [requestFor("a message", { content: { type: "digest" } }), ANY],
      [{ ...file, token: tokenFile(new Uint8Array([1])).token }, {}],
      [{ ...file, service: "key-management" }, {}],
    ] as const) {
      expect(
        await failureOf(() =>
          approveQuorumToken(source as ApprovalRequest, "alice", signer, options as ApproveOptions),
        ),
      ).toMatchObject({
        name: "SignerError",
      });
    }
    expect(await failureOf(() => approveQuorumToken(request, "alice", signer, {} as ApproveOptions))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    for (const username of ["", "a\nb", 7, undefined]) {
      const error = await failureOf(() => approveQuorumToken(file, username as string, signer));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(calls).toBe(0);
  });
});

test("a token for another service needs to be named", async () => {
  const token = { ...file, service: "user" };
  expect(await failureOf(() => approveQuorumToken(token, "officer", privateKey))).toMatchObject(
    quorumFailure("ACCESS_DENIED", "wrong-service"),
  );
  const approval = await approveQuorumToken(token, "officer", privateKey, { service: "user", role: "admin" });
  expect(approval).toEqual({ username: "officer", role: "admin", signature: expected });
});

test.each([
  ["1", "AQ"],
  ["3", "Aw"],
  ["65,535", "AP__"],
])("a public key with the exponent %s is refused: it would accept what the approver never signed", async (_name, e) => {
  const { n = "" } = publicKey.export({ format: "jwk" });
  const weak = createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" });
  const sign = async () => new Uint8Array(256);
  expect(await failureOf(() => approveQuorumToken(file, "officer", sign, { publicKey: weak }))).toMatchObject({
    code: "INVALID_ARGUMENT",
  });
});

describe("a key that cannot be right is refused, and never shown", () => {
  const short = rsaKey(1024).privateKey;
  const pss = generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).privateKey;
  const curve = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const pem = privateKey.export(PEM).toString();
  test.each<[string, unknown]>([
    ["RSA-1024", short.export(PEM).toString()],
    ["RSA-PSS", pss],
    ["RSA-2048 with the exponent 3", generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 }).privateKey],
    ["P-256", curve.export(PEM).toString()],
    ["a public key", publicKey],
    ["a public key as PEM", publicKey.export({ format: "pem", type: "spki" })],
    ["a PEM with a passphrase", privateKey.export({ ...PEM, cipher: "aes-256-cbc", passphrase: "x" })],
    ["a PEM that is cut off", pem.slice(0, 900)],
    ["DER that is cut off", privateKey.export({ format: "der", type: "pkcs8" }).subarray(0, 600)],
    ["nothing", ""],
    ["null", null],
    ["an object", { key: pem }],
  ])("%s", async (_name, key) => {
    const error = await failureOf(() => approveQuorumToken(file, "alice", key as RsaPrivateKey));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", value: "[REDACTED]" });
    const shown = `${error["stack"]} ${JSON.stringify(error)} ${error["cause"]}`;
    for (const line of pem.split("\n").slice(1, -2)) expect(shown).not.toContain(line);
    expect(error["cause"]).toBeUndefined();
  });
});

test("an approval survives its JSON, and nothing else is one", async () => {
  const approval = await approveQuorumToken(file, "alice", privateKey);
  expect(parseQuorumApproval(serializeQuorumApproval(approval))).toEqual(approval);
  for (const malformed of [
    "",
    "[]",
    "{}",
    JSON.stringify({ ...approval, username: undefined }),
    JSON.stringify({ ...approval, signature: approval.signature.slice(4) }),
    JSON.stringify({ ...approval, digest: "0x" }),
    `${JSON.stringify(approval).slice(0, -1)},"username":"bob"}`,
  ]) {
    expect(await failureOf(() => parseQuorumApproval(malformed))).toMatchObject({ code: "INVALID_ARGUMENT" });
  }
});

test("for any approval data, the signature is RSASSA-PKCS1-v1_5 with SHA-256 over it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 245 }), async (data) => {
      const { signature } = await approveQuorumToken(tokenFile(data), "alice", privateKey);
      expect(verify("sha256", data, publicKey, Buffer.from(signature, "base64"))).toBe(true);
    }),
    { numRuns: 25 },
  );
});

describe("openssl", () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  const openssl = (...parameters: string[]) => spawnSync("openssl", parameters, { encoding: "latin1" });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "ethers-hsm-quorum-"));
    writeFileSync(at("key.pem"), privateKey.export(PEM), { mode: 0o600 });
    writeFileSync(at("public.pem"), publicKey.export({ format: "pem", type: "spki" }));
    writeFileSync(at("token.bin"), Buffer.from(file.token, "base64"));
    writeFileSync(at("data.bin"), approvalData);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("verifies the approval over the token, as the HSM does", async () => {
    const { signature } = await approveQuorumToken(file, "alice", privateKey);
    writeFileSync(at("signature.bin"), Buffer.from(signature, "base64"));
    const key = ["-pubin", "-inkey", at("public.pem"), "-sigfile", at("signature.bin"), "-pkeyopt", "digest:sha256"];
    expect(openssl("pkeyutl", "-verify", ...key, "-in", at("token.bin")).stdout).toContain("Verified Successfully");
    writeFileSync(at("other.bin"), createHash("sha256").update("other").digest());
    expect(openssl("pkeyutl", "-verify", ...key, "-in", at("other.bin")).status).not.toBe(0);
  });

  test("signs the same bytes, from the token and from the approval data", () => {
    const options = ["-inkey", at("key.pem"), "-pkeyopt", "digest:sha256", "-in", at("token.bin")];
    const fromToken = openssl("pkeyutl", "-sign", ...options).stdout;
    const fromData = openssl("dgst", "-sha256", "-sign", at("key.pem"), at("data.bin")).stdout;
    for (const made of [fromToken, fromData]) {
      expect(Buffer.from(made, "latin1").toString("base64")).toBe(expected);
    }
  });
});
