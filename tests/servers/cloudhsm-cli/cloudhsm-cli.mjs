#!/usr/bin/env node
// A stand-in for AWS's cloudhsm-cli, for tests and examples: no HSM is behind it. See README.md.

import { createInterface } from "node:readline";
import { splitWords, UsageError } from "./command-line.js";
import { takeFault } from "./faults.js";
import { CliSession } from "./session.js";
import { stateFolder, withState } from "./state.js";

const NAME = "cloudhsm-cli stand-in for tests; no HSM is behind it";
const PROMPT = "aws-cloudhsm > ";
const HELP = `${NAME}

Commands: login, logout, key list, key generate-asymmetric-pair ec, quorum token-sign generate,
          user change-quorum token-sign register, crypto sign ecdsa, help, quit
`;

/** @param {string} text @param {import("./state.js").Style} style */
function dress(text, style) {
  const coloured = style.ansi ? text.replace(/^(.+)$/gm, "\u001b[32m$1\u001b[0m") : text;
  const whole = `${style.before ?? ""}${coloured}${style.after ?? ""}`;
  return style.crlf ? whole.replaceAll("\n", "\r\n") : whole;
}

/** @param {unknown} error */
function complain(error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`error: ${error.message}\n\nFor more information, try '--help'.\n`);
}

/** @param {string} folder */
async function interactive(folder) {
  const lines = createInterface({ input: process.stdin, terminal: false })[Symbol.asyncIterator]();
  const nextLine = async () => {
    const { value, done } = await lines.next();
    return done ? undefined : value;
  };
  const session = new CliSession(folder, async () => {
    process.stdout.write("Enter password:");
    const password = await nextLine();
    process.stdout.write("\n");
    return password ?? "";
  });
  withState(folder, (state) => state.pids.push(process.pid));
  const style = () => withState(folder, (state) => state.style);
  if (takeFault(folder, "start")?.action === "die-before") return end(session, 1);
  process.stdout.write(style().banner ?? "");
  for (;;) {
    const { noPrompt, echo } = style();
    if (!noPrompt) process.stdout.write(PROMPT);
    const line = await nextLine();
    if (line === undefined) return end(session, 0);
    if (echo) process.stdout.write(`${line}\n`);
    try {
      const words = splitWords(line);
      if (words.length === 0) continue;
      if (words[0] === "quit" || words[0] === "exit") return end(session, 0);
      if (words[0] === "help") process.stdout.write(HELP);
      else {
        const answer = await session.run(words);
        if (answer === undefined) return end(session, 1);
        process.stdout.write(dress(answer, style()));
      }
    } catch (error) {
      complain(error);
    }
  }
}

/** @param {string} folder @param {string[]} words */
async function single(folder, words) {
  const { CLOUDHSM_ROLE: role, CLOUDHSM_PIN: pin } = process.env;
  const session = new CliSession(folder, async () => "");
  try {
    if (role !== undefined && pin !== undefined) {
      const [, username = "", password = ""] = /^([^:]*):(.*)$/s.exec(pin) ?? [];
      const login = await session.run(["login", "--username", username, "--role", role, "--password", password]);
      if (login === undefined || JSON.parse(login).error_code !== 0) {
        process.stdout.write(login ?? "");
        return end(session, 1);
      }
    }
    const answer = await session.run(words);
    process.stdout.write(answer ?? "");
    return end(session, answer !== undefined && JSON.parse(answer).error_code === 0 ? 0 : 1);
  } catch (error) {
    complain(error);
    return end(session, 2);
  }
}

/** @param {CliSession} session @param {number} code */
function end(session, code) {
  session.logout();
  process.exitCode = code;
  process.stdin.destroy();
}

const [command, ...others] = process.argv.slice(2);
if (command === "--version") process.stdout.write(`${NAME}\n`);
else if (command === undefined || command === "help" || command === "--help") process.stdout.write(HELP);
else if (command === "interactive") await interactive(stateFolder());
else await single(stateFolder(), [command, ...others]);
