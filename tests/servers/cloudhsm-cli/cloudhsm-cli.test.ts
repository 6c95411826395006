import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { runCli } from "./cli-run.ts";
import { approvalBy, CloudHsmCluster } from "./cluster.ts";

let cluster: CloudHsmCluster;
beforeEach(() => {
  cluster = new CloudHsmCluster();
});
afterEach(() => {
  cluster.remove();
});

const digest = randomBytes(32);

function login(username = "alice"): string {
  return `login --username ${username} --role crypto-user --password "${cluster.user(username).password}"\n`;
}

async function interactive(input: string) {
  return runCli(cluster.cliPath, ["interactive"], input);
}

function file(name: string): string {
  return join(cluster.folder, name);
}

/** Makes a token, hands it to `approve`, and signs, all in one process: a shell command between would lose the session. */
async function signWithQuorum(
  usernames: readonly string[],
  { times = 1, wait = 0, change = (text: string) => text } = {},
) {
  const { spawn } = await import("node:child_process");
  const child = spawn(cluster.cliPath, ["interactive"], { stdio: "pipe" });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const answers = () =>
    [...output.matchAll(/^(?:aws-cloudhsm > )*(\{\n[\s\S]*?^\})$/gm)].map(([, json = ""]) => JSON.parse(json));
  const answer = async (count: number) => {
    while (answers().length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    return answers()[count - 1];
  };
  child.stdin.write(login());
  child.stdin.write(
    `quorum token-sign generate --service key-usage --token ${file("t")} --filter attr.label=k attr.class=private-key\n`,
  );
  await answer(2);
  const token = JSON.parse(readFileSync(file("t"), "utf8"));
  token.signatures = usernames.map((username) => approvalBy(cluster.user(username), token.approval_data));
  writeFileSync(file("t"), change(JSON.stringify(token)));
  await new Promise((resolve) => setTimeout(resolve, wait));
  for (let turn = 0; turn < times; turn++) {
    child.stdin.write(
      `crypto sign ecdsa --key-filter attr.label=k attr.class=private-key --hash-function sha256 --data-type digest --data ${digest.toString("base64")} --approval ${file("t")}\n`,
    );
  }
  const last = await answer(2 + times);
  child.stdin.end();
  await new Promise((resolve) => child.once("close", resolve));
  return { last, token };
}

describe("the stand-in for cloudhsm-cli", () => {
  it("says that it is one", async () => {
    for (const parameters of [["--version"], ["help"]]) {
      expect((await runCli(cluster.cliPath, parameters)).stdout).toContain("stand-in for tests; no HSM is behind it");
    }
  });

  it("prompts, asks for the password, and answers in pretty-printed JSON", async () => {
    const { password } = cluster.user("alice");
    const { stdout, code } = await interactive(`login --username alice --role crypto-user\n${password}\nquit\n`);
    const answer = '{\n  "error_code": 0,\n  "data": {\n    "username": "alice",\n    "role": "crypto-user"\n  }\n}\n';
    expect(stdout).toBe(`aws-cloudhsm > Enter password:\n${answer}aws-cloudhsm > `);
    expect(code).toBe(0);
  });

  it("takes the password as an option too, and ends at the end of its input", async () => {
    const { answers, code } = await interactive(`${login()}logout\n`);
    expect(answers).toEqual([
      { error_code: 0, data: { username: "alice", role: "crypto-user" } },
      { error_code: 0, data: "Logout successful" },
    ]);
    expect(code).toBe(0);
  });

  it("locks a user after five wrong passwords", async () => {
    const wrong = 'login --username alice --role crypto-user --password "wrong"\n';
    const { answers } = await interactive(`${wrong.repeat(5)}${login()}`);
    expect(answers.map(({ error_code }) => error_code)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(answers[5]?.data).toBe("The user account is locked");
  });

  it("does nothing without a login", async () => {
    const { answers } = await interactive("key list\n");
    expect(answers).toEqual([{ error_code: 1, data: "You are not logged in. Log in to run this command" }]);
  });

  it("answers what its parser refuses on stderr, without JSON", async () => {
    const { answers, stderr } = await interactive(`${login()}key list --nonsense\nfly\nkey list "\n`);
    expect(answers).toHaveLength(1);
    expect(stderr).toContain("error: unexpected argument '--nonsense' found");
    expect(stderr).toContain("error: unrecognized subcommand 'fly'");
    expect(stderr).toContain("error: missing closing quote");
  });

  it("makes a real secp256k1 key by a single command, and lists it with its point", async () => {
    const { password } = cluster.user("alice");
    const env = { CLOUDHSM_ROLE: "crypto-user", CLOUDHSM_PIN: `alice:${password}` };
    const words =
      "key generate-asymmetric-pair ec --curve secp256k1 --public-label a --private-label b --public-attributes verify=true --private-attributes sign=true extractable=false --share-crypto-users bob carol --manage-private-key-quorum-value 2 --use-private-key-quorum-value 2";
    const made = await runCli(cluster.cliPath, words.split(" "), "", env);
    expect(made.code).toBe(0);
    const list = await runCli(cluster.cliPath, ["key", "list", "--filter", "attr.label=b", "--verbose"], "", env);
    const { matched_keys: keys, ...counts } = (list.answers[0]?.data ?? {}) as { matched_keys?: unknown[] };
    expect(counts).toEqual({ total_key_count: 1, returned_key_count: 1 });
    expect(keys).toEqual([
      expect.objectContaining({
        "key-reference": "0x0000000000120001",
        "key-info": expect.objectContaining({
          "shared-users": [
            { username: "bob", "key-coverage": "full" },
            { username: "carol", "key-coverage": "full" },
          ],
          "key-quorum-values": { "manage-key-quorum-value": 2, "use-key-quorum-value": 2 },
        }),
        attributes: expect.objectContaining({ class: "private-key", curve: "secp256k1", extractable: false }),
      }),
    ]);
    const point = cluster.state.keys[1]?.ecPoint ?? "";
    expect(secp256k1.Point.fromHex(point).toHex(false)).toBe(point);
    expect(JSON.stringify(keys)).toContain(`"ec-point":"0x${point}"`);
  });

  it("refuses one quorum value without the other, or of 1", async () => {
    const make = "key generate-asymmetric-pair ec --curve secp256k1 --public-label a --private-label b";
    const { answers } = await interactive(
      `${login()}${make} --use-private-key-quorum-value 2\n${make} --manage-private-key-quorum-value 1 --use-private-key-quorum-value 1\n`,
    );
    expect(answers.slice(1)).toEqual(
      Array(2).fill({
        error_code: 1,
        data: "The manage key and use key quorum values must be set to a value greater than 1",
      }),
    );
  });

  it("signs with two of three approvals: r‖s over exactly the digest, by the key", async () => {
    const key = cluster.addKey("k", 2);
    const { last, token } = await signWithQuorum(["alice", "carol"]);
    expect(last.data["key-reference"]).toBe(key.reference);
    const signature = Buffer.from(last.data.signature, "base64");
    const options = { prehash: false, lowS: false } as const;
    expect(secp256k1.verify(signature, digest, Buffer.from(key.ecPoint, "hex"), options)).toBe(true);
    expect(token).toEqual({
      version: "2.0",
      service: "key-usage",
      key_reference: key.reference,
      approval_data: expect.any(String),
      token: createHash("sha256").update(Buffer.from(token.approval_data, "base64")).digest("base64"),
      signatures: [expect.anything(), expect.anything()],
    });
    expect(cluster.signatures).toBe(1);
  });

  it.each([
    ["no approval", [], {}, "No token signatures provided"],
    ["too few", ["bob"], {}, "Too few quorum approvals: currently 1 approvals, but 2 approvals required"],
    ["one user twice", ["bob", "bob"], {}, "Invalid username-signature pair for quorum authorization"],
    ["a used token", ["alice", "bob"], { times: 2 }, "Invalid username-signature pair for quorum authorization"],
    [
      "an approval under another name",
      ["alice", "bob"],
      { change: (text: string) => text.replace('"bob"', '"carol"') },
      "Invalid username-signature pair for quorum authorization",
    ],
  ])("refuses %s", async (_name, usernames, options, message) => {
    cluster.addKey("k", 2);
    const { last } = await signWithQuorum(usernames, options);
    expect(last).toEqual({ error_code: 1, data: message });
  });

  it("refuses an expired token, and one of an ended session", async () => {
    cluster.addKey("k", 2);
    cluster.change((state) => {
      state.tokenLifetime = 1;
    });
    expect((await signWithQuorum(["alice", "bob"], { wait: 5 })).last).toEqual({
      error_code: 1,
      data: "Quorum Failed",
    });
    const sign = `crypto sign ecdsa --key-filter attr.label=k attr.class=private-key --hash-function sha256 --data-type digest --data ${digest.toString("base64")}`;
    const { answers } = await interactive(`${login()}${sign} --approval ${file("t")}\n${sign}\n`);
    expect(answers.slice(1).map(({ data }) => data)).toEqual([
      "Invalid username-signature pair for quorum authorization",
      "Quorum Failed",
    ]);
    expect(cluster.signatures).toBe(0);
  });

  it("refuses a filter that matches several keys", async () => {
    cluster.addKey("k", 2);
    const { answers } = await interactive(
      `${login()}quorum token-sign generate --service key-usage --token ${file("t")} --filter attr.label=k\n`,
    );
    expect(answers[1]?.data).toBe(
      "Key selection criteria matched 2 keys. Refine selection criteria to select a single key.",
    );
  });

  it("registers a user's RSA key against a signed token of the same session", async () => {
    cluster.change((state) => {
      delete state.users["bob"]?.publicKey;
    });
    const bob = cluster.user("bob");
    const pem = bob.publicKey.export({ type: "spki", format: "pem" }).toString();
    writeFileSync(file("bob.pem"), pem);
    const { spawn } = await import("node:child_process");
    const child = spawn(cluster.cliPath, ["interactive"], { stdio: ["pipe", "ignore", "ignore"] });
    child.stdin.write(`${login("bob")}quorum token-sign generate --service registration --token ${file("r")}\n`);
    const read = () => {
      try {
        return JSON.parse(readFileSync(file("r"), "utf8"));
      } catch {
        return undefined;
      }
    };
    while (read() === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    const token = read();
    token.tokens[0].signed = approvalBy(bob, token.tokens[0].approval_data).signature;
    writeFileSync(file("r"), JSON.stringify(token));
    child.stdin.end(
      `user change-quorum token-sign register --public-key ${file("bob.pem")} --signed-token ${file("r")}\n`,
    );
    await new Promise((resolve) => child.once("close", resolve));
    expect(cluster.state.users["bob"]?.publicKey).toBe(pem);
  });
});
