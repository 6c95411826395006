// One process' login session, and the way of a command through it.

import { randomUUID } from "node:crypto";
import { parseOptions, required, UsageError } from "./command-line.js";
import { COMMANDS } from "./commands.js";
import { hang, takeFault, wait } from "./faults.js";
import { Refusal } from "./refusal.js";
import { withState } from "./state.js";

/** @typedef {import("./state.js").Fault} Fault */
/** @typedef {{ name: string, words: string[] }} Line */

const LOGIN_OPTIONS = /** @type {const} */ ({ username: "one", role: "one", password: "one", "cluster-id": "one" });
const MAX_FAILED_LOGINS = 5;

export class CliSession {
  #folder;
  #askPassword;
  /** @type {import("./quorum.js").Session | undefined} */
  #session;

  /** @param {string} folder @param {() => Promise<string>} askPassword */
  constructor(folder, askPassword) {
    this.#folder = folder;
    this.#askPassword = askPassword;
  }

  /**
   * What the command prints on stdout; undefined for a process that ends instead.
   *
   * @param {readonly string[]} words
   * @returns {Promise<string | undefined>}
   */
  async run(words) {
    const { name, words: rest } = commandOf(words);
    const fault = takeFault(this.#folder, name);
    if (fault?.action === "stderr") process.stderr.write(fault.text ?? "");
    if (fault?.action === "die-before") return undefined;
    if (fault?.action === "hang") return hang();
    if (fault?.action === "delay") await wait(fault.ms ?? 100);
    if (fault?.action === "usage") throw new UsageError("unexpected argument found");
    if (fault?.action === "logout") this.logout();
    const answer = render(await this.#answer(name, rest, fault), this.#style().compact);
    if (fault?.action === "die-after") return undefined;
    if (fault?.action === "text") return fault.text ?? "";
    if (fault?.action === "die-half") {
      process.stdout.write(answer.slice(0, answer.length / 2));
      return undefined;
    }
    return answer;
  }

  logout() {
    const id = this.#session?.id;
    this.#session = undefined;
    if (id !== undefined) withState(this.#folder, (state) => delete state.sessions[id]);
  }

  /** @param {string} name @param {readonly string[]} words @param {Fault | undefined} fault */
  async #answer(name, words, fault) {
    try {
      if (fault?.action === "refuse") throw new Refusal(fault.text);
      if (name === "login") return { error_code: 0, data: await this.#login(words) };
      if (name === "logout") {
        this.logout();
        return { error_code: 0, data: "Logout successful" };
      }
      const command = COMMANDS[name];
      if (command === undefined) throw new UsageError(`unrecognized subcommand '${words[0] ?? ""}'`);
      const options = parseOptions(words, command.options);
      return withState(this.#folder, (state) => {
        const session = this.#session;
        if (session === undefined || state.sessions[session.id] === undefined) {
          throw new Refusal("You are not logged in. Log in to run this command");
        }
        if (name === "crypto sign ecdsa" && state.style.noDigestType && options.has("data-type")) {
          throw new UsageError("unexpected argument '--data-type' found");
        }
        return { error_code: 0, data: command.run({ state, session, options, fault: fault?.action }) };
      });
    } catch (error) {
      if (error instanceof Refusal) return { error_code: 1, data: error.message };
      throw error;
    }
  }

  /** @param {readonly string[]} words */
  async #login(words) {
    const options = parseOptions(words, LOGIN_OPTIONS);
    const username = required(options, "username");
    const role = required(options, "role");
    const password = options.get("password")?.[0] ?? (await this.#askPassword());
    return withState(this.#folder, (state) => {
      const user = state.users[username];
      if (user === undefined || user.role !== role) throw new Refusal("Invalid user name or password");
      if (user.failedLogins >= MAX_FAILED_LOGINS) throw new Refusal("The user account is locked");
      if (user.password !== password) {
        user.failedLogins++;
        throw new Refusal("Invalid user name or password");
      }
      user.failedLogins = 0;
      const id = randomUUID();
      state.sessions[id] = username;
      this.#session = { id, username, role };
      return { username, role };
    });
  }

  #style() {
    return withState(this.#folder, (state) => state.style);
  }
}

/** @param {readonly string[]} words @returns {Line} */
function commandOf(words) {
  for (const name of ["login", "logout", ...Object.keys(COMMANDS)]) {
    const parts = name.split(" ");
    if (parts.every((part, at) => words[at] === part)) return { name, words: words.slice(parts.length) };
  }
  return { name: words.join(" "), words: [...words] };
}

/** @param {unknown} answer @param {boolean | undefined} compact */
function render(answer, compact) {
  return `${compact ? JSON.stringify(answer) : JSON.stringify(answer, undefined, 2)}\n`;
}
