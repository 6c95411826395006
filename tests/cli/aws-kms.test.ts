import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import {
  computeAddress,
  concat,
  id,
  N,
  Signature,
  SigningKey,
  Transaction,
  toBeHex,
  verifyMessage,
  verifyTypedData,
} from "ethers";
import { CREDENTIALS, type Kms, PRIVATE_KEY, startKms } from "../aws-kms/support.ts";
import { CommandLine } from "./support/command.ts";

const ADDRESS = computeAddress(PRIVATE_KEY);
const PERMIT = {
  domain: { name: "Token", version: "1", chainId: 5, verifyingContract: "0x5FbDB2315678afecb367f032d93F642f64180aa3" },
  types: {
    EIP712Domain: [
      { name: "name", type: "string" },
      { name: "version", type: "string" },
      { name: "chainId", type: "uint256" },
      { name: "verifyingContract", type: "address" },
    ],
    Permit: [{ name: "value", type: "uint256" }],
  },
  primaryType: "Permit",
  message: { value: "1000000000000000000000" },
};
const TRANSACTION = {
  ...{ type: 2, chainId: 5, nonce: 7, gas: "0x5208", to: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8" },
  ...{ value: "100000000000000000000", maxFeePerGas: "30000000000", maxPriorityFeePerGas: "1" },
};

let kms: Kms;
let cli: CommandLine;
let uri: string;
let folder: string;

beforeAll(async () => {
  kms = await startKms();
  kms.server.ring.putAlias("alias/treasury", kms.key);
  uri = `aws-kms:alias/treasury?region=eu-west-1&endpoint=${kms.server.url}`;
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  cli = new CommandLine({
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ETHERS_HSM_KEY: uri,
  });
  folder = await mkdtemp(join(tmpdir(), "ethers-hsm-cli-"));
  await writeFile(join(folder, "permit.json"), JSON.stringify(PERMIT));
  await writeFile(join(folder, "tx.json"), JSON.stringify(TRANSACTION));
});

afterEach(() => kms.server.faults.clear());

afterAll(async () => {
  await Promise.all([kms.server.close(), rm(folder, { recursive: true })]);
});

describe("a key in AWS KMS, by the command line", () => {
  test("address", async () => {
    expect(await cli.run(["address"])).toEqual({ code: 0, stdout: `${ADDRESS}\n`, stderr: "" });
    expect(await cli.json(["address", "--key", uri])).toEqual({
      ...{ address: ADDRESS, publicKey: new SigningKey(PRIVATE_KEY).publicKey },
      ...{ backend: "aws-kms", keyId: "alias/treasury" },
    });
  });

  test("sign-message, of an argument, of stdin, and of bytes; and verify", async () => {
    const { stdout } = await cli.run(["sign-message", "I own this account"]);
    const signature = stdout.trim();
    expect(verifyMessage("I own this account", signature)).toBe(ADDRESS);
    const piped = await cli.json(["sign-message", "-"], { input: "line\n" });
    expect(verifyMessage("line\n", String(piped["signature"]))).toBe(ADDRESS);
    const bytes = await cli.json(["sign-message", "0xff00", "--hex"]);
    expect(verifyMessage(Uint8Array.of(255, 0), String(bytes["signature"]))).toBe(ADDRESS);

    const by = ["--address", ADDRESS, "--signature", signature];
    expect(await cli.run(["verify", "I own this account", ...by], { env: { ETHERS_HSM_KEY: "" } })).toEqual({
      ...{ code: 0, stdout: `valid: signed by ${ADDRESS}\n`, stderr: "" },
    });
    const other = await cli.run(["verify", "I own another", ...by, "--json"]);
    expect(other.code).toBe(1);
    expect(JSON.parse(other.stdout)).toMatchObject({ valid: false, address: ADDRESS, signer: expect.any(String) });
  });

  test("verify accepts the compact form, and says of what no key signed that it is not a signature", async () => {
    const { stdout } = await cli.run(["sign-message", "hello"]);
    const { compactSerialized, r, s, v } = Signature.from(stdout.trim());
    const by = (signature: string) => ["verify", "hello", "--address", ADDRESS, "--signature", signature];
    expect(await cli.run(by(compactSerialized))).toMatchObject({ code: 0, stdout: `valid: signed by ${ADDRESS}\n` });
    // No point of the curve has this x.
    const nobodys = concat([toBeHex(5, 32), s, toBeHex(v)]);
    expect(await cli.run(by(nobodys))).toEqual({
      code: 1,
      stdout: "NOT valid: it is not a signature by any key\n",
      stderr: "",
    });
    const high = toBeHex(N - BigInt(s), 32);
    for (const wrong of [concat([r, high, toBeHex(v === 27 ? 28 : 27)]), concat([r, s, "0x05"]), "0x00"]) {
      const run = await cli.run(by(wrong));
      expect(run).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(/--signature must be 65 bytes/) });
    }
  });

  test("verify refuses an address and a transaction that cannot be", async () => {
    const { stdout } = await cli.run(["sign-tx", join(folder, "tx.json")]);
    const verify = (...args: string[]) => cli.run(["verify", "--tx", "-", ...args], { input: stdout });
    const wrong = await verify("--address", ADDRESS.slice(0, -1));
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringMatching(/--address must be an address/) });
    const twice = await verify("--address", ADDRESS, "--signature", "0x");
    expect(twice).toMatchObject({ code: 2, stderr: expect.stringMatching(/leave --signature out/) });
    const unsigned = { input: Transaction.from(stdout.trim()).unsignedSerialized };
    const none = await cli.run(["verify", "--tx", "-", "--address", ADDRESS], unsigned);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringMatching(/the transaction is not signed/) });
    const signed = await cli.run(["sign-tx", "-"], { input: stdout });
    expect(signed).toMatchObject({ code: 2, stderr: expect.stringMatching(/the transaction is signed already/) });
  });

  test("sign-typed-data, of a file and of stdin; and verify", async () => {
    const file = join(folder, "permit.json");
    const { signature, digest, address } = await cli.json(["sign-typed-data", file]);
    const { EIP712Domain: _domain, ...types } = PERMIT.types;
    expect(verifyTypedData(PERMIT.domain, types, PERMIT.message, String(signature))).toBe(ADDRESS);
    expect([address, String(digest).length]).toEqual([ADDRESS, 66]);
    const again = await cli.run(["sign-typed-data", "-"], { input: JSON.stringify(PERMIT) });
    const by = ["--address", ADDRESS, "--signature", again.stdout.trim()];
    expect(await cli.json(["verify", "--typed-data", file, ...by])).toEqual({
      ...{ valid: true, address: ADDRESS, signer: ADDRESS },
    });
  });

  test.each<[name: string, change: object, message: RegExp]>([
    ["without EIP712Domain", { types: { Permit: PERMIT.types.Permit } }, /types must declare EIP712Domain/],
    ["with a domain that is not declared", { domain: { name: "Token" } }, /domain.version is missing/],
    ["with a value that does not fit", { message: { value: "much" } }, /message.value must be an integer/],
    ["that is none", { primaryType: 5 }, /primaryType must be one of types/],
  ])("typed data %s is refused before KMS is asked", async (_name, change, message) => {
    const before = kms.server.requests.length;
    const run = await cli.run(["sign-typed-data", "-"], { input: JSON.stringify({ ...PERMIT, ...change }) });
    expect([run.code, run.stdout, kms.server.requests.length]).toEqual([2, "", before]);
    expect(run.stderr).toMatch(message);
  });

  test("sign-tx, of JSON in either words and of a serialization; and verify", async () => {
    const { from, hash, chainId, nonce, raw } = await cli.json(["sign-tx", join(folder, "tx.json")]);
    const signed = Transaction.from(String(raw));
    expect([signed.from, signed.hash]).toEqual([ADDRESS, hash]);
    expect({ from, chainId, nonce }).toEqual({ from: ADDRESS, chainId: "5", nonce: 7 });
    expect(signed).toMatchObject({
      gasLimit: 21_000n,
      value: 100n * 10n ** 18n,
      maxFeePerGas: 30_000_000_000n,
      to: TRANSACTION.to,
    });
    const unsigned = await cli.run(["sign-tx", "-"], { input: `${signed.unsignedSerialized}\n` });
    expect(Transaction.from(unsigned.stdout.trim()).unsignedHash).toBe(signed.unsignedHash);
    const verified = await cli.json(["verify", "--tx", "-", "--address", ADDRESS], { input: String(raw) });
    expect(verified).toEqual({ valid: true, address: ADDRESS, signer: ADDRESS });
  });

  test("typed data that is not JSON is refused, and not shown", async () => {
    const run = await cli.run(["sign-typed-data", "-"], { input: "{planted" });
    expect(run).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(/the typed data is .*JSON/) });
    expect(run.stderr).not.toContain("planted");
  });

  test("sign-tx, of a transaction with a gas price, where null is what is absent", async () => {
    const { maxFeePerGas: _most, maxPriorityFeePerGas: _tip, ...fields } = TRANSACTION;
    const legacy = { ...fields, type: 0, accessList: null };
    const { raw } = await cli.json(["sign-tx", "-"], { input: JSON.stringify({ ...legacy, gasPrice: "7" }) });
    expect(Transaction.from(String(raw))).toMatchObject({ type: 0, gasPrice: 7n, from: ADDRESS });
    const lacking = await cli.run(["sign-tx", "-"], { input: JSON.stringify({ ...legacy, gasPrice: null }) });
    expect(lacking).toMatchObject({ code: 2, stderr: expect.stringContaining("the transaction lacks gasPrice: add") });
  });

  test.each<[name: string, input: string, message: RegExp]>([
    [
      "lacks what only a node knows",
      JSON.stringify({ to: TRANSACTION.to }),
      /lacks chainId, nonce, gasLimit, maxFeePerGas/,
    ],
    ["has an unknown field", JSON.stringify({ ...TRANSACTION, valeu: "1" }), /"valeu" that is unknown/],
    ["has a field in both words", JSON.stringify({ ...TRANSACTION, gasLimit: 1 }), /twice, under two names/],
    ["is of another account", JSON.stringify({ ...TRANSACTION, from: TRANSACTION.to }), /from address mismatch/],
    ["is not JSON", "planted", /must be a JSON object/],
    ["is no serialization", "0x02c0ffee", /not the bytes of a transaction/],
  ])("a transaction that %s is refused", async (_name, input, message) => {
    const run = await cli.run(["sign-tx", "-"], { input });
    expect([run.code, run.stdout]).toEqual([2, ""]);
    expect(run.stderr).toMatch(message);
  });

  test("accounts lists the Region, one line for each key", async () => {
    const disabled = kms.server.ring.importKey(id("disabled"));
    disabled.state = "Disabled";
    const place = ["--key", uri.replace("alias/treasury", "")];
    const { code, stdout, stderr } = await cli.run(["accounts", ...place, "--json"]);
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual({ address: ADDRESS, name: "alias/treasury", backend: "aws-kms", keyId: kms.key.arn });
    const failed = {
      address: null,
      name: null,
      keyId: disabled.arn,
      error: { code: "KEY_UNUSABLE", message: expect.any(String) },
    };
    expect(lines).toContainEqual(failed);
    const people = await cli.run(["accounts", ...place, "--prefix", "treas"]);
    expect(people.stdout).toBe(`${ADDRESS}  alias/treasury  ${kms.key.arn}\n`);
  });

  test("accounts for people: a dash for a key without a name, and why a key is unusable", async () => {
    const nameless = kms.server.ring.importKey(id("nameless"));
    const archived = kms.server.ring.importKey(id("archived"));
    kms.server.ring.putAlias("alias/archived", archived);
    archived.state = "Disabled";
    const place = uri.replace("alias/treasury", "");
    const { stdout } = await cli.run(["accounts", "--key", place]);
    const lines = stdout.split("\n");
    expect(lines).toContain(`${computeAddress(id("nameless"))}  -  ${nameless.arn}`);
    const unusable = lines.find((line) => line.includes(archived.arn));
    expect(unusable).toMatch(/^unusable {36}alias\/archived {2}arn:\S+ {2}\[KEY_UNUSABLE\] .*enable/);
    kms.server.ring.aliases.delete("alias/archived");
    const again = (await cli.run(["accounts", "--key", place])).stdout.split("\n");
    expect(again.find((line) => line.includes(archived.arn))).toMatch(/^unusable {36}- {2}arn:/);
    const json = (await cli.run(["accounts", "--key", place, "--json"])).stdout.trim().split("\n");
    expect(json.map((line) => JSON.parse(line))).toContainEqual({
      ...{ address: computeAddress(id("nameless")), name: null, backend: "aws-kms", keyId: nameless.arn },
    });
  });

  test("create without a name makes a key that its ARN names", async () => {
    const env = { AWS_REGION: "eu-west-1", AWS_ENDPOINT_URL_KMS: kms.server.url };
    const created = await cli.json(["create", "--key", "aws-kms:"], { env });
    expect(created).toMatchObject({ name: null, keyId: expect.stringMatching(/^arn:aws:kms:eu-west-1:/) });
    expect(created["uri"]).toBe(`aws-kms:${created["keyId"]}`);
    const { address } = await cli.json(["address", "--key", String(created["uri"])], { env });
    expect(address).toBe(created["address"]);
  });

  test("create and import make what the URI names", async () => {
    const fresh = uri.replace("alias/treasury", "alias/fresh");
    const created = await cli.json(["create", "--key", fresh]);
    expect(created).toMatchObject({ name: "alias/fresh", backend: "aws-kms" });
    expect(await cli.json(["address", "--key", String(created["uri"])])).toMatchObject({ address: created["address"] });
    expect(await cli.json(["address", "--key", fresh])).toMatchObject({ address: created["address"] });

    const privateKey = id("an account that moves");
    await writeFile(join(folder, "key.hex"), `${privateKey.slice(2)}\n`);
    const args = ["import", "--key", uri.replace("treasury", "moved"), "--private-key-file", join(folder, "key.hex")];
    // The server makes an RSA key of 4,096 bits for each import, which takes its time.
    const run = await cli.run([...args, "--timeout", "150", "--expected-address", computeAddress(privateKey)]);
    expect([run.code, run.stderr]).toEqual([0, ""]);
    expect(run.stdout).toContain(`imported ${computeAddress(privateKey)}`);
    expect(`${run.stdout}${run.stderr}`).not.toContain(privateKey.slice(2));
    const other = await cli.run(["import", "--expected-address", ADDRESS, "--key", uri.replace("treasury", "other")], {
      env: { ETHERS_HSM_PRIVATE_KEY: privateKey },
    });
    expect([other.code, other.stdout]).toEqual([7, ""]);
    expect(other.stderr).toMatch(/\[ADDRESS_MISMATCH\]/);
  });

  test("import takes no private key that is none, and shows nothing of it", async () => {
    const env = { ETHERS_HSM_PRIVATE_KEY: "planted-secret" };
    const run = await cli.run(["import", "--key", uri.replace("treasury", "never")], { env });
    expect(run).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("64 hexadecimal digits") });
    expect(run.stderr).not.toContain("planted");
    const none = await cli.run(["import", "--key", uri.replace("treasury", "never")]);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("no private key: pass --private-key-file") });
  });
});

describe("what fails in AWS KMS, by exit code", () => {
  test.each<[name: string, args: string[], fault: string | undefined, code: number, text: RegExp]>([
    ["no such key", ["--key", "aws-kms:alias/none?region=eu-west-1"], undefined, 4, /\[KEY_NOT_FOUND\]/],
    ["refused credentials", [], "AccessDeniedException", 3, /\[ACCESS_DENIED\]/],
    ["too many requests", [], "ThrottlingException", 5, /\[THROTTLED\]/],
    ["a disabled key", [], "DisabledException", 7, /\[KEY_UNUSABLE\]/],
  ])("%s", async (_name, args, fault, code, text) => {
    if (fault) kms.server.faults.add({ kind: "exception", name: fault });
    const env = { AWS_ENDPOINT_URL_KMS: kms.server.url, AWS_MAX_ATTEMPTS: "1" };
    const run = await cli.run(["sign-message", "x", ...args], { env });
    expect([run.code, run.stdout]).toEqual([code, ""]);
    expect(run.stderr).toMatch(text);
  });

  test("no answer in time, and no server", async () => {
    kms.server.faults.add({ kind: "hang" });
    const late = await cli.run(["address", "--timeout", "1", "--json"]);
    expect(late.code).toBe(5);
    expect(JSON.parse(late.stderr)).toMatchObject({ error: { code: "BACKEND_TIMEOUT", retryable: true, exitCode: 5 } });
    const unreachable = uri.replace(/endpoint=.*/, "endpoint=http://127.0.0.1:9");
    expect(await cli.run(["address", "--key", unreachable], { env: { AWS_MAX_ATTEMPTS: "1" } })).toMatchObject({
      ...{ code: 5, stderr: expect.stringContaining("[BACKEND_UNAVAILABLE]") },
    });
  });

  test("no credentials", async () => {
    const env = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
    expect(await cli.run(["address"], { env })).toMatchObject({ code: 3, stdout: "" });
  });
});
