// examples/aws-cdk-lambda as a user who copied it has it: compiled, its own tests run, synthesized, and the bundle that its stack
// would deploy invoked on the Node of its runtime, with a server that speaks KMS's protocol, and anvil.

import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { computeAddress, id, parseEther, parseUnits, Transaction } from "ethers";
import type { KmsKeyRecord } from "../servers/aws-kms/key-ring.ts";
import { KmsServer } from "../servers/aws-kms/kms-server.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { ALL_PASSED, CopiedExample, nodeOf } from "./support/copied-example.ts";
import { Lambda } from "./support/lambda.ts";

const PRIVATE_KEY = id("the account of the Lambda example");
const ADDRESS = computeAddress(PRIVATE_KEY);
const RECIPIENT = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
const SECRET = "secret-access-key-of-the-role";
const PAYMENT = { amount: "0.25", dst_address: RECIPIENT, nonce: 0 };
const FEES = { max_fee_per_gas: "30", max_priority_fee_per_gas: "1.5" };
interface PolicyStatement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

const example = new CopiedExample("aws-cdk-lambda");
let functionResource: { Runtime: string; Handler: string; Code: unknown; Environment: { Variables: object } };
let statements: readonly PolicyStatement[];
let bundle: string;
let kms: KmsServer;
let key: KmsKeyRecord;
let anvil: Anvil;
const lambdas: Lambda[] = [];

beforeAll(async () => {
  example.npmRun("synth", "--quiet", "-c", "chainId=31337", "-c", "maxFeeGwei=50", "-c", "maxAmountEther=1");
  const { Resources } = JSON.parse(readFileSync(example.file("cdk.out/EthereumSigner.template.json"), "utf8"));
  const all = Object.values(Resources) as { Type: string; Properties: never }[];
  const propertiesOf = (type: string) => all.find(({ Type }) => Type === type)?.Properties as never;
  functionResource = propertiesOf("AWS::Lambda::Function");
  statements = (propertiesOf("AWS::IAM::Policy") as { PolicyDocument: { Statement: never } }).PolicyDocument.Statement;
  const assets = readdirSync(example.file("cdk.out")).filter((name) => name.startsWith("asset."));
  // A place of its own, as /var/task is: no package.json above it says what its code is.
  bundle = join(process.env["ETHERS_HSM_TEST_FOLDER"] ?? "", "var-task");
  cpSync(example.file("cdk.out", assets[0] ?? ""), bundle, { recursive: true });
  kms = await KmsServer.start();
  key = kms.ring.importKey(PRIVATE_KEY);
  anvil = await startAnvil();
});

afterEach(async () => {
  for (const lambda of lambdas.splice(0)) await lambda.stop();
  kms.faults.clear();
});

afterAll(async () => {
  await anvil?.stop();
  await kms?.close();
});

/** A container with the environment of the template, in which only what CloudFormation would fill in is filled in. */
async function start(more: Readonly<Record<string, string>> = {}): Promise<Lambda> {
  const lambda = await Lambda.start({
    node: nodeOf(24),
    folder: bundle,
    handler: functionResource.Handler,
    env: {
      ...functionResource.Environment.Variables,
      KEY_ID: key.arn,
      AWS_REGION: kms.region,
      AWS_ACCESS_KEY_ID: "ASIALAMBDALAMBDALAMB",
      AWS_SECRET_ACCESS_KEY: SECRET,
      AWS_SESSION_TOKEN: "session-token-of-the-role",
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
      AWS_ENDPOINT_URL_KMS: kms.url,
      ...more,
    },
  });
  lambdas.push(lambda);
  return lambda;
}

describe("the copied example", () => {
  test("compiles", () => {
    expect(example.npmRun("types")).toContain("tsc");
  });

  test("passes its own tests", () => {
    expect(example.npmRun("test")).toMatch(ALL_PASSED);
  });

  test("has a guide whose cdk commands all say the chain, without which app.ts refuses", () => {
    const commands = readFileSync(example.file("README.md"), "utf8").match(/npx cdk [^`#\n]+/g) ?? [];
    expect(commands.map((command) => command.split(" ")[2])).toEqual(["bootstrap", "deploy", "deploy", "destroy"]);
    for (const command of commands) expect(command).toContain(" -c chainId=");
    expect(() => example.npmRun("synth", "--quiet")).toThrow("say which chain: -c chainId=11155111");
  });

  test("allows what examples/policies says that signing needs", () => {
    const file = join(process.cwd(), "examples/policies/aws-kms/sign.json");
    const { Statement } = JSON.parse(readFileSync(file, "utf8")) as { Statement: PolicyStatement[] };
    const withoutKey = (all: readonly PolicyStatement[]) => all.map(({ Resource: _, ...statement }) => statement);
    const signing = statements.filter(({ Action }) => String(Action).startsWith("kms:"));
    expect(withoutKey(signing)).toEqual(withoutKey(Statement));
  });
});

describe("the deployed bundle", () => {
  test("is one file for the runtime that it is tested on", async () => {
    expect(functionResource).toMatchObject({ Runtime: "nodejs24.x", Handler: "index.handler" });
    expect(readdirSync(bundle)).toEqual(["index.js"]);
    expect((await start()).nodeVersion).toMatch(/^v24\./);
  });

  test("says the account's checksummed address", async () => {
    const lambda = await start();
    expect(await lambda.invoke({ operation: "status" })).toEqual({ address: ADDRESS, chain_id: 31337 });
  });

  test("signs a payment without any RPC", async () => {
    const lambda = await start();
    const answer = await lambda.invoke({ operation: "sign", ...PAYMENT, nonce: 7, ...FEES });
    const { raw_transaction: raw } = answer as { raw_transaction: string };
    const signed = Transaction.from(raw);
    expect(answer).toEqual({ from: ADDRESS, chain_id: 31337, nonce: 7, hash: signed.hash, raw_transaction: raw });
    expect(signed).toMatchObject({
      from: ADDRESS,
      to: RECIPIENT,
      value: parseEther("0.25"),
      nonce: 7,
      chainId: 31337n,
      type: 2,
      gasLimit: 21_000n,
      maxFeePerGas: parseUnits("30", "gwei"),
      maxPriorityFeePerGas: parseUnits("1.5", "gwei"),
      data: "0x",
    });
  });

  test("keeps its signer from one invocation to the next", async () => {
    const before = kms.requests.length;
    const connections = kms.connections;
    const lambda = await start();
    for (const nonce of [1, 2, 3]) await lambda.invoke({ operation: "sign", ...PAYMENT, nonce, ...FEES });
    const operations = kms.requests.slice(before).map(({ operation }) => operation);
    expect(operations).toEqual(["GetPublicKey", "Sign", "Sign", "Sign"]);
    expect(kms.connections - connections).toBe(1);
  });

  test("asks KMS for what its policy allows, and no more", async () => {
    const before = kms.requests.length;
    const lambda = await start();
    await lambda.invoke({ operation: "sign", ...PAYMENT, ...FEES });
    const [first, second] = kms.requests.slice(before);
    expect(first).toMatchObject({ operation: "GetPublicKey", input: { KeyId: key.arn } });
    const conditions = { SigningAlgorithm: "ECDSA_SHA_256", MessageType: "DIGEST" };
    expect(second).toMatchObject({ operation: "Sign", input: { KeyId: key.arn, ...conditions } });
  });

  test("sends a payment that is mined, and refuses to pay it again", async () => {
    await anvil.fund(ADDRESS, parseEther("1"));
    const lambda = await start({ RPC_URL: anvil.url });
    const before = await anvil.provider().getBalance(RECIPIENT);
    const status = await lambda.invoke({ operation: "status" });
    expect(status).toEqual({ address: ADDRESS, chain_id: 31337, balance: "1.0", nonce: 0 });

    const sent = (await lambda.invoke({ operation: "send", ...PAYMENT })) as { hash: string };
    const receipt = await anvil.provider().waitForTransaction(sent.hash, 1, 10_000);
    expect(receipt).toMatchObject({ status: 1, from: ADDRESS, to: RECIPIENT });
    expect(await anvil.provider().getBalance(RECIPIENT)).toBe(before + parseEther("0.25"));

    const again = await lambda.invoke({ operation: "send", ...PAYMENT });
    expect(again).toMatchObject({ error: { code: "NONCE_EXPIRED", retryable: false }, signed: { nonce: 0 } });
    expect(await anvil.provider().getBalance(RECIPIENT)).toBe(before + parseEther("0.25"));
    expect(await lambda.invoke({ operation: "status" })).toMatchObject({ nonce: 1 });
  });
});

describe("what it refuses", () => {
  const refused: readonly [string, object, string, RegExp][] = [
    ["no operation", { operation: undefined }, "INVALID_ARGUMENT", /operation/],
    ["another operation", { operation: "drain" }, "INVALID_ARGUMENT", /operation/],
    ["a field of status", { operation: "status", amount: "1" }, "INVALID_ARGUMENT", /unknown field amount/],
    ["a misspelt field", { ...PAYMENT, ...FEES, gaslimit: 5 }, "INVALID_ARGUMENT", /unknown field gaslimit/],
    ["an amount as a number", { ...PAYMENT, ...FEES, amount: 0.25 }, "INVALID_ARGUMENT", /amount must be a string/],
    ["a negative amount", { ...PAYMENT, ...FEES, amount: "-1" }, "INVALID_ARGUMENT", /amount/],
    ["an exponent", { ...PAYMENT, ...FEES, amount: "1e3" }, "INVALID_ARGUMENT", /amount/],
    ["less than a wei", { ...PAYMENT, ...FEES, amount: "0.0000000000000000001" }, "INVALID_ARGUMENT", /amount/],
    ["no recipient", { amount: "1", nonce: 0, ...FEES }, "INVALID_ARGUMENT", /dst_address/],
    [
      "a wrong checksum",
      { ...PAYMENT, ...FEES, dst_address: RECIPIENT.replace("E", "e") },
      "INVALID_ARGUMENT",
      /checksum/,
    ],
    ["a name", { ...PAYMENT, ...FEES, dst_address: "vitalik.eth" }, "INVALID_ARGUMENT", /dst_address/],
    ["no nonce", { ...PAYMENT, ...FEES, nonce: undefined }, "INVALID_ARGUMENT", /nonce/],
    ["half a nonce", { ...PAYMENT, ...FEES, nonce: 0.5 }, "INVALID_ARGUMENT", /nonce/],
    ["too little gas", { ...PAYMENT, ...FEES, gas_limit: 20_999 }, "INVALID_ARGUMENT", /gas_limit/],
    ["one fee of two", { ...PAYMENT, max_fee_per_gas: "30" }, "INVALID_ARGUMENT", /both/],
    ["a tip above the fee", { ...PAYMENT, ...FEES, max_fee_per_gas: "1" }, "INVALID_ARGUMENT", /priority/],
    ["another chain", { ...PAYMENT, ...FEES, chain_id: 1 }, "INVALID_ARGUMENT", /chain_id must be 31337/],
    ["no fees and no RPC", PAYMENT, "INVALID_ARGUMENT", /max_fee_per_gas/],
    ["to send without RPC", { operation: "send", ...PAYMENT, ...FEES }, "UNSUPPORTED_OPERATION", /RPC_URL/],
    ["more than the most", { ...PAYMENT, ...FEES, amount: "1.000000000000000001" }, "LIMIT_EXCEEDED", /MAX_AMOUNT/],
    ["a fee above the most", { ...PAYMENT, ...FEES, max_fee_per_gas: "50.000000001" }, "LIMIT_EXCEEDED", /MAX_FEE/],
  ];

  test("has a code, and no signature is made", async () => {
    const lambda = await start();
    const before = kms.count("Sign");
    for (const [, event, code, message] of refused) {
      const answer = await lambda.invoke({ operation: "sign", ...event });
      expect(answer).toEqual({ error: { code, message: expect.stringMatching(message), retryable: false } });
    }
    expect(kms.count("Sign")).toBe(before);
  });

  test("also what is not an object", async () => {
    const lambda = await start();
    for (const event of ["status", 5, null, [1]]) {
      expect(await lambda.invoke(event)).toMatchObject({ error: { code: "INVALID_ARGUMENT" } });
    }
  });
});

describe("what fails", () => {
  test("is a code of the signer, with KMS's number of the request", async () => {
    const lambda = await start();
    kms.faults.add(
      { kind: "exception", name: "DisabledException", message: "disabled" },
      { operation: "Sign", times: 1 },
    );
    expect(await lambda.invoke({ operation: "sign", ...PAYMENT, ...FEES })).toEqual({
      error: {
        code: "KEY_UNUSABLE",
        message: expect.any(String),
        retryable: false,
        request_id: expect.any(String),
      },
    });
    expect(await lambda.invoke({ operation: "sign", ...PAYMENT, ...FEES })).toMatchObject({ from: ADDRESS });
  });

  test("is a signature by another key, which never leaves", async () => {
    const lambda = await start();
    kms.faults.add({ kind: "wrong key" }, { operation: "Sign", times: 1 });
    const answer = await lambda.invoke({ operation: "sign", ...PAYMENT, ...FEES });
    expect(answer).toMatchObject({ error: { code: "SIGNATURE_MISMATCH" } });
    expect(answer).not.toHaveProperty("raw_transaction");
  });

  test("is the key of another account than the expected one", async () => {
    const lambda = await start({ EXPECTED_ADDRESS: RECIPIENT });
    expect(await lambda.invoke({ operation: "status" })).toMatchObject({ error: { code: "ADDRESS_MISMATCH" } });
  });

  test("is an RPC that is another chain's", async () => {
    const lambda = await start({ RPC_URL: anvil.url, CHAIN_ID: "1" });
    const before = kms.count("Sign");
    const answer = await lambda.invoke({ operation: "send", ...PAYMENT });
    expect(answer).toMatchObject({ error: { code: "NETWORK_ERROR", message: "RPC_URL is chain 31337, not 1" } });
    expect(kms.count("Sign")).toBe(before);
  });

  test("is an RPC that does not answer, and neither the answer nor the log shows its URL", async () => {
    const gone = await KmsServer.start();
    await gone.close();
    for (const url of [`${gone.url}/v3/api-key-of-the-rpc`, `${kms.url}/v3/api-key-of-the-rpc`]) {
      const lambda = await start({ RPC_URL: url });
      const answer = await lambda.invoke({ operation: "send", ...PAYMENT, ...FEES });
      expect(answer).toMatchObject({
        error: { code: expect.stringMatching(/^(NETWORK|SERVER)_ERROR$/), retryable: true },
      });
      expect(`${JSON.stringify(answer)}${await lambda.stop()}`).not.toContain("api-key-of-the-rpc");
    }
  });

  test("is written to the log, with its code and without a secret", async () => {
    const lambda = await start();
    kms.faults.add(
      { kind: "exception", name: "AccessDeniedException", message: "no" },
      { operation: "Sign", times: 1 },
    );
    await lambda.invoke({ operation: "sign", ...PAYMENT, ...FEES });
    const log = await lambda.stop();
    expect(JSON.parse(log)).toMatchObject({ error: { code: "ACCESS_DENIED" } });
    expect(log).not.toContain(SECRET);
  });
});
