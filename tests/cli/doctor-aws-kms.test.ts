import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, id, parseEther, verifyMessage } from "ethers";
import { CREDENTIALS, type Kms, PRIVATE_KEY, startKms } from "../aws-kms/support.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { startAlteredNode } from "./support/altered-node.ts";
import { CommandLine } from "./support/command.ts";
import { withoutNames } from "./support/no-names.ts";
import { examined } from "./support/steps.ts";

const ADDRESS = computeAddress(PRIVATE_KEY);

let kms: Kms;
let anvil: Anvil;
let cli: CommandLine;

beforeAll(async () => {
  [kms, anvil] = await Promise.all([startKms(), startAnvil()]);
  await anvil.fund(ADDRESS, parseEther("2"));
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  cli = new CommandLine({
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_MAX_ATTEMPTS: "1" },
    AWS_ENDPOINT_URL_KMS: kms.server.url,
    ETHERS_HSM_KEY: `aws-kms:${kms.key.keyId}?region=eu-west-1`,
  });
});

afterEach(() => {
  kms.server.faults.clear();
  kms.key.state = "Enabled";
});

afterAll(() => Promise.all([kms.server.close(), anvil.stop()]));

describe("doctor over AWS KMS", () => {
  test("walks the whole way, and signs one harmless message", async () => {
    const { code, ok, steps, step, troubles } = await examined(cli, ["--rpc", anvil.url]);
    expect([code, ok]).toEqual([0, true]);
    // The server of the tests speaks no TLS.
    expect(troubles).toEqual(["endpoint and TLS: warning"]);
    expect(steps.map((each) => each.step)).toEqual([
      ...["SDK", "Region", "credentials", "endpoint and TLS", "key"],
      ...["permission to read the public key", "permission to sign", "address", "signature"],
      ...["node", "balance and nonce"],
    ]);
    expect(steps.every(({ milliseconds }) => Number.isSafeInteger(milliseconds))).toBe(true);
    expect(step("SDK").detail).toMatch(/^@aws-sdk\/client-kms 3\.\d+/);
    expect(step("Region").facts).toEqual({ region: "eu-west-1" });
    expect(step("credentials").detail).toContain("AKIA…TEST");
    expect(step("key").facts).toMatchObject({
      ...{ arn: kms.key.arn, keySpec: "ECC_SECG_P256K1", keyUsage: "SIGN_VERIFY", keyState: "Enabled" },
    });
    expect(step("permission to sign").detail).toBe("kms:Sign is granted (dry run)");
    expect(step("address").detail).toBe(ADDRESS);
    const { message, signature } = step("signature").facts ?? {};
    expect(message).toMatch(/^ethers-hsm doctor: .*means nothing else\.$/);
    expect(verifyMessage(String(message), String(signature))).toBe(ADDRESS);
    expect(step("node").facts).toMatchObject({ chainId: "31337" });
    expect(step("balance and nonce").facts).toEqual({
      ...{ balanceWei: parseEther("2").toString(), nonce: 0, pendingNonce: 0 },
    });
  });

  test("people read a line for each step, and no secret", async () => {
    const { code, stdout, stderr } = await cli.run(["doctor"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^ok +SDK +@aws-sdk\/client-kms .* \(\d+ ms\)$/m);
    expect(stdout).toMatch(/\n\neverything works, with 1 warning\n$/);
    expect(stdout).not.toContain(CREDENTIALS.secretAccessKey);
    expect(stdout).not.toContain(CREDENTIALS.accessKeyId);
  });

  test("no credentials: what needs them is not tried, the rest is", async () => {
    const env = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
    const { code, step, troubles } = await examined(cli, [], { env });
    expect(code).toBe(1);
    expect(step("credentials")).toMatchObject({
      status: "failed",
      code: "ACCESS_DENIED",
      detail: expect.stringContaining("no AWS credentials found"),
    });
    expect(troubles).toEqual([
      ...["credentials: failed", "endpoint and TLS: warning", "key: not-tried"],
      ...["permission to read the public key: not-tried", "permission to sign: not-tried"],
      ...["address: not-tried", "signature: not-tried"],
    ]);
    expect(step("key").detail).toBe("it needs credentials");
  });

  test("no Region, and an endpoint that does not listen", async () => {
    const lost = await examined(cli, ["--key", `aws-kms:${kms.key.keyId}`]);
    expect(lost.step("Region")).toMatchObject({ status: "failed", detail: expect.stringContaining("set AWS_REGION") });
    const unreachable = await examined(cli, [], { env: { AWS_ENDPOINT_URL_KMS: "https://127.0.0.1:9" } });
    expect(unreachable.step("endpoint and TLS")).toMatchObject({
      status: "failed",
      detail: expect.stringContaining("cannot be reached (ECONNREFUSED)"),
    });
    expect(unreachable.step("key").detail).toBe("it needs endpoint and TLS");
    const plain = kms.server.url.replace("http:", "https:");
    const noTls = await examined(cli, [], { env: { AWS_ENDPOINT_URL_KMS: plain } });
    expect(noTls.step("endpoint and TLS")).toMatchObject({
      status: "failed",
      detail: expect.stringContaining("does not speak TLS"),
    });
  });

  test("temporary credentials: whose they are, and until when", async () => {
    const expires = "2099-12-31T23:59:59.000Z";
    const env = {
      ...{ AWS_SESSION_TOKEN: "planted-token", AWS_CREDENTIAL_EXPIRATION: expires },
      ...{ AWS_ACCOUNT_ID: "111122223333" },
    };
    const { code, step, steps } = await examined(cli, [], { env });
    expect(code).toBe(0);
    expect(step("credentials").detail).toBe(`access key AKIA…TEST of account 111122223333, until ${expires}`);
    expect(step("credentials").facts).toMatchObject({ accountId: "111122223333", expires });
    expect(JSON.stringify(steps)).not.toContain("planted");
  });

  test("the Region of a key's ARN, and the endpoint of the URI", async () => {
    const { code, step } = await examined(cli, ["--key", `aws-kms:${kms.key.arn}?endpoint=${kms.server.url}`], {
      env: { AWS_ENDPOINT_URL_KMS: "" },
    });
    expect([code, step("Region").detail]).toEqual([0, "eu-west-1"]);
    expect(step("endpoint and TLS").detail).toContain(`${kms.server.url} answers`);
    for (const scheme of ["https", "http"]) {
      const uri = `aws-kms:${kms.key.arn}?endpoint=${scheme}://kms.example`;
      const nowhere = await withoutNames(() => examined(cli, ["--key", uri]));
      expect(nowhere.step("endpoint and TLS")).toMatchObject({
        ...{ status: "failed", detail: "kms.example is not in DNS (ENOTFOUND): check the name and the resolver" },
      });
    }
  });

  test("the endpoints are AWS's own where nothing names others", async () => {
    const env = { AWS_ENDPOINT_URL_KMS: "" };
    const { step } = await withoutNames(() => examined(cli, [], { env }));
    expect(step("endpoint and TLS").detail).toMatch(/^kms\.eu-west-1\.amazonaws\.com is not in DNS/);
  });

  test("an endpoint that takes the connection and says nothing", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const env = { AWS_ENDPOINT_URL_KMS: "", AWS_ENDPOINT_URL: `https://${host}` };
    const { step } = await examined(cli, ["--timeout", "1"], { env });
    silent.close();
    expect(step("endpoint and TLS")).toMatchObject({
      status: "failed",
      detail: expect.stringContaining(`${host} does not answer in time: check the firewall`),
    });
  });

  test.each<[name: string, operation: string, exception: string, troubles: string[], text: RegExp]>([
    [
      "DescribeKey is refused, which is fine",
      "DescribeKey",
      "AccessDeniedException",
      [],
      /kms:DescribeKey is not granted, which signing does not need/,
    ],
    [
      "the public key may not be read",
      "GetPublicKey",
      "AccessDeniedException",
      [
        "permission to read the public key: failed",
        "permission to sign: not-tried",
        "address: not-tried",
        "signature: not-tried",
      ],
      /grant the caller kms:GetPublicKey/,
    ],
    [
      "signing is not permitted",
      "Sign",
      "AccessDeniedException",
      ["permission to sign: failed", "signature: not-tried"],
      /grant the caller kms:Sign/,
    ],
  ])("%s", async (_name, operation, exception, expected, text) => {
    kms.server.faults.add({ kind: "exception", name: exception }, { operation });
    const { troubles, steps } = await examined(cli, []);
    expect(troubles.slice(1)).toEqual(expected);
    expect(steps.map(({ detail }) => detail).join("\n")).toMatch(text);
  });

  test("a disabled key: its state, and that it does not sign", async () => {
    kms.key.state = "Disabled";
    const { troubles, step } = await examined(cli, []);
    expect(troubles.slice(1)).toEqual(["key: failed", "permission to sign: failed", "signature: not-tried"]);
    expect(step("key").detail).toMatch(/Disabled, .*: enable it \(aws kms enable-key\)$/);
    expect(step("permission to sign").code).toBe("KEY_UNUSABLE");
  });

  test.each<[name: string, change: object, cure: RegExp]>([
    ["to be deleted", { KeyState: "PendingDeletion" }, /PendingDeletion, .*: cancel its deletion/],
    ["without its material", { KeyState: "PendingImport" }, /PendingImport, .*: import its material/],
    ["that is being changed", { KeyState: "Updating" }, /Updating, .*: wait until it is Enabled/],
    ["of another use", { KeyUsage: "KEY_AGREEMENT" }, /KEY_AGREEMENT, .*: it does not sign; create one/],
  ])("a key %s, and what to do", async (_name, change, cure) => {
    const alter = (answer: object) => ({ KeyMetadata: { ...Object.values(answer)[0], ...change } });
    kms.server.faults.add({ kind: "alter", alter }, { operation: "DescribeKey" });
    const { step } = await examined(cli, []);
    expect(step("key")).toMatchObject({ status: "failed", detail: expect.stringMatching(cure) });
  });

  test("a Multi-Region key is shown as one", async () => {
    const key = kms.server.ring.importKey(id("in several Regions"), { multiRegion: true });
    const { step } = await examined(cli, ["--key", `aws-kms:${key.keyId}?region=eu-west-1`]);
    expect(step("key")).toMatchObject({ status: "ok", facts: { multiRegion: true } });
    expect(step("key").detail).toMatch(/, multi-Region$/);
  });

  test("an emulator that signs where it is asked for a dry run", async () => {
    const body = JSON.stringify({ KeyId: kms.key.arn, Signature: "MAA=", SigningAlgorithm: "ECDSA_SHA_256" });
    const headers = { "content-type": "application/x-amz-json-1.1" };
    kms.server.faults.add({ kind: "reply", reply: { status: 200, headers, body } }, { operation: "Sign", times: 1 });
    const { ok, step } = await examined(cli, []);
    expect([ok, step("permission to sign").status]).toEqual([true, "ok"]);
  });

  test("a key that is not there, and one of another curve", async () => {
    const none = await examined(cli, ["--key", "aws-kms:alias/none?region=eu-west-1"]);
    expect(none.step("key")).toMatchObject({ status: "failed", code: "KEY_NOT_FOUND" });
    const other = kms.server.ring.createKey("ECC_NIST_P256");
    const curve = await examined(cli, ["--key", `aws-kms:${other.keyId}?region=eu-west-1`]);
    expect(curve.step("key").detail).toContain("not on Ethereum's curve");
  });

  test("a signature by another key is noticed", async () => {
    kms.server.faults.add({ kind: "wrong key" }, { operation: "Sign" });
    const { troubles, step } = await examined(cli, []);
    expect(troubles.slice(1)).toEqual(["signature: failed"]);
    expect(step("signature").code).toBe("SIGNATURE_MISMATCH");
  });

  test("a node that is away, and an empty account", async () => {
    const away = await examined(cli, ["--rpc", "http://127.0.0.1:9/planted"]);
    expect(away.troubles.slice(1)).toEqual(["node: failed", "balance and nonce: not-tried"]);
    expect(JSON.stringify(away.steps)).not.toContain("planted");
    const poor = kms.server.ring.importKey(id("a poor account"));
    const { step, ok } = await examined(cli, ["--key", `aws-kms:${poor.keyId}?region=eu-west-1`, "--rpc", anvil.url]);
    expect(step("balance and nonce")).toMatchObject({
      status: "warning",
      detail: expect.stringContaining("send it some ether"),
    });
    expect(ok).toBe(true);
  });

  test("a node that lags behind, and transactions that wait", async () => {
    const node = await startAlteredNode(anvil.url, ({ method, params }, result) => {
      if (method === "eth_chainId") return "0x1";
      if (method === "eth_getBlockByNumber") return { ...(result as object), timestamp: "0x5f5e100" };
      return method === "eth_getTransactionCount" && params[1] === "pending" ? "0x2" : result;
    });
    const { ok, step } = await examined(cli, ["--rpc", node.url]);
    await node.close();
    expect([ok, step("node").status]).toEqual([true, "warning"]);
    expect(step("node").detail).toMatch(
      /^chain 1 \(Ethereum mainnet\), block \d+; its newest block is \d{9,} seconds old: wait until/,
    );
    expect(step("balance and nonce").detail).toBe("2.0 ether, nonce 0; 2 of its transactions wait in the pool");
  });

  test("a node without any block", async () => {
    const node = await startAlteredNode(anvil.url, ({ method }, result) =>
      method === "eth_getBlockByNumber" ? null : result,
    );
    const { step } = await examined(cli, ["--rpc", node.url]);
    await node.close();
    expect(step("node")).toMatchObject({
      ...{ status: "ok", detail: "chain 31337, block none" },
      facts: { chainId: "31337", blockNumber: null, blockAgeSeconds: null },
    });
  });
});
