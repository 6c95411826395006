import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { id, verifyMessage } from "ethers";
import { rejection, signerError } from "../../signer/rejection.ts";
import { hangFor } from "../../support/stopped-time.ts";
import { until } from "../../support/until.ts";
import { QuorumSetup } from "./setup.ts";

let setup: QuorumSetup;
beforeEach(() => {
  setup = new QuorumSetup();
});
afterEach(async () => {
  await setup.end();
});

const GENERATE = "quorum token-sign generate";

describe("output that is no answer", () => {
  it.each([
    [
      "a banner and warnings",
      { banner: "Welcome {to} the CLI\n{\n", before: "WARN retry {1}\n", after: '{"hint": 1}\n' },
    ],
    ["CRLF", { crlf: true }],
    ["colours", { ansi: true }],
    ["an echo of each line", { echo: true }],
    ["one line for each answer", { compact: true }],
    ["no prompt", { noPrompt: true }],
    ["half an answer before each", { before: '{\n  "error_code": 0,\n  "data": {\n    "signa\n' }],
    ["all of it", { crlf: true, ansi: true, echo: true, banner: "\u001b[1mhello\u001b[0m\n", before: "{\n" }],
  ])("is passed over: %s", async (_name, style) => {
    setup.cluster.style(style);
    const signer = setup.signer();
    expect(verifyMessage("through noise", await signer.signMessage("through noise"))).toBe(await signer.getAddress());
    expect(setup.cluster.state.pids).toHaveLength(1);
  });

  it("a second answer to one command ends the process: it is unknown which belongs to it", async () => {
    setup.cluster.fail({
      at: "key list",
      action: "text",
      text: '{"error_code":1,"data":"a"}\n{"error_code":1,"data":"b"}\n',
    });
    await rejection(setup.signer().getAddress());
    await until(() => setup.cluster.running.length === 0);
  });

  it("a token file that is none, or for another key", async () => {
    setup.cluster.fail({ at: GENERATE, action: "text", text: '{"error_code":0,"data":{"filepath":"/nowhere"}}\n' });
    const signer = setup.signer();
    // The stand-in wrote the file all the same: the answer's own words are not relied on.
    await signer.signDigest(id("x"));
    setup.cluster.fail({ at: GENERATE, action: "refuse", text: "Key selection criteria matched 0 keys." });
    await signerError(signer.signDigest(id("x")), "KEY_NOT_FOUND");
  });
});

describe("a CLI that cannot be used", () => {
  it("is not there, or not executable", async () => {
    const error = await signerError(
      setup.signer({ cliPath: "/nonexistent/cloudhsm-cli" }).getAddress(),
      "DEPENDENCY_MISSING",
    );
    expect(error.message).toContain("/nonexistent/cloudhsm-cli");
    expect(error.message).toContain("ENOENT");
    const cliPath = join(setup.cluster.folder, "plain-file");
    writeFileSync(cliPath, "no program", { mode: 0o644 });
    expect((await signerError(setup.signer({ cliPath }).getAddress(), "DEPENDENCY_MISSING")).message).toContain(
      "EACCES",
    );
  });

  it("ends at its start, as one that is not configured: not tried again within the call", async () => {
    setup.cluster.fail({ at: "start", action: "die-before" });
    const signer = setup.signer();
    await signerError(signer.getAddress(), "BACKEND_UNAVAILABLE");
    expect(setup.cluster.state.pids).toHaveLength(1);
    await signer.getAddress();
  });

  it("refuses the login: once, and never again", async () => {
    const signer = setup.signer({ password: "not hers" });
    for (const call of [1, 2, 3]) {
      const error = await signerError(signer.signMessage(`${call}`), "ACCESS_DENIED");
      for (const text of [error.message, inspect(error, { depth: 9 }), JSON.stringify(error)]) {
        expect(text).not.toContain("not hers");
      }
    }
    expect(setup.cluster.state.users["alice"]?.failedLogins).toBe(1);
  });

  it("repeats the password in what it says: no other output does", async () => {
    const { password } = setup.cluster.user("alice");
    setup.cluster.fail(
      { at: "login", action: "refuse", text: `wrong: ${password}` },
      { at: "login", action: "stderr", text: `unexpected ${password}` },
    );
    const refused = await signerError(setup.signer().getAddress(), "ACCESS_DENIED");
    expect(refused.message).toContain("wrong: [REDACTED]");
    setup.cluster.fail({ at: "key list", action: "usage" });
    const error = await signerError(setup.signer().getAddress(), "BACKEND_RESPONSE_INVALID");
    expect(error.message).toContain("[REDACTED]");
    expect(inspect([refused, error], { depth: 9, showHidden: true })).not.toContain(password);
  });

  it("cannot reach the cluster, or says nothing that could be read: another call may log in", async () => {
    const signer = setup.signer();
    setup.cluster.fail({ at: "login", action: "refuse", text: "Unable to connect to the HSM" });
    const { message } = await signerError(signer.getAddress(), "BACKEND_UNAVAILABLE");
    expect(message).toContain('"Unable to connect to the HSM"');
    setup.cluster.fail({ at: "login", action: "text", text: '{"error_code":1,"data":{"toString":1,"valueOf":1}}\n' });
    await signerError(setup.signer().getAddress(), "ACCESS_DENIED");
    await signer.getAddress();
  });

  it("is not started for a password that is none", async () => {
    for (const password of ["", "two\nlines", undefined, 7]) {
      const signer = setup.signer({ password: async () => password as string });
      const { message } = await signerError(signer.getAddress(), "ACCESS_DENIED");
      expect(message).toContain("password must return a string of one line");
    }
    expect(setup.cluster.state.pids).toEqual([]);
  });

  it("does not answer the login in time", async () => {
    setup.cluster.fail({ at: "login", action: "hang" });
    const signer = setup.signer();
    const ask = () => signerError(signer.getAddress(), "BACKEND_TIMEOUT");
    const { message } = await hangFor(20_000, () => setup.cluster.count("login") === 1, ask);
    expect(message).toContain("at the login; try it in a terminal");
    await signer.getAddress();
  });

  it("answers with something unknown: not retried, and told", async () => {
    setup.cluster.fail({ at: "key list", action: "refuse", text: "Moon phase is wrong" });
    const error = await signerError(setup.signer().getAddress(), "BACKEND_UNAVAILABLE");
    expect(error).toMatchObject({ retryable: false, message: expect.stringContaining('"Moon phase is wrong"') });
    setup.cluster.fail({ at: "key list", action: "text", text: '{"error_code":1,"data":null}\n' });
    await signerError(setup.signer().getAddress(), "BACKEND_UNAVAILABLE");
  });

  it("is not given the password in its arguments or its environment", async () => {
    const signer = setup.signer();
    await signer.getAddress();
    const [pid] = setup.cluster.running;
    const { password } = setup.cluster.user("alice");
    if (readdirSync("/").includes("proc")) {
      for (const file of ["cmdline", "environ"]) {
        expect(readFileSync(`/proc/${pid}/${file}`, "utf8")).not.toContain(password);
      }
    }
    expect(pid).toBeGreaterThan(0);
  });

  it("has no such key, several, or one that asks for no approvals", async () => {
    setup.cluster.addKey("twice", 2);
    setup.cluster.addKey("twice", 2);
    setup.cluster.addKey("free", 0);
    await signerError(setup.signer({ keyLabel: "none" }).getAddress(), "KEY_NOT_FOUND");
    await signerError(setup.signer({ keyLabel: "twice" }).getAddress(), "KEY_UNUSABLE");
    const error = await signerError(setup.signer({ keyLabel: "free" }).getAddress(), "KEY_UNUSABLE");
    expect(error.message).toContain("CloudHsmSigner");
  });
});
