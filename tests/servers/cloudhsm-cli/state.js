// The cluster's state: one JSON file in the folder that the environment names, shared by every process of the stand-in.

import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {object} User
 * @property {string} role
 * @property {string} password
 * @property {number} failedLogins
 * @property {string} [publicKey] PEM, once registered for approvals
 *
 * @typedef {object} Key
 * @property {string} reference
 * @property {string} label
 * @property {"public-key" | "private-key"} class
 * @property {string} owner
 * @property {string[]} shared
 * @property {number} manageQuorum
 * @property {number} useQuorum
 * @property {Record<string, string>} attributes
 * @property {string} ecPoint hex without 0x: a SEC1 point
 * @property {string} [privateKey] hex
 * @property {number} signatures how many it has made
 *
 * @typedef {object} Token
 * @property {string} service
 * @property {string} [keyReference]
 * @property {string} session
 * @property {string} username
 * @property {number} createdAt
 * @property {boolean} used
 *
 * @typedef {object} Fault
 * @property {string} at the command, for example "crypto sign ecdsa", or "start"
 * @property {string} action see faults.js
 * @property {number} [times] how often, default 1
 * @property {number} [after] how many of these commands pass before, default 0
 * @property {number} [ms]
 * @property {string} [text]
 *
 * @typedef {object} Style
 * @property {string} [banner]
 * @property {string} [before] printed before each answer
 * @property {string} [after] printed after each answer
 * @property {boolean} [crlf]
 * @property {boolean} [ansi]
 * @property {boolean} [echo]
 * @property {boolean} [compact]
 * @property {boolean} [noPrompt]
 * @property {boolean} [derPoint]
 * @property {boolean} [noPoint]
 * @property {boolean} [noDigestType]
 *
 * @typedef {object} State
 * @property {Record<string, User>} users
 * @property {Key[]} keys
 * @property {Record<string, Token>} tokens by the token, base64
 * @property {Record<string, string>} sessions the user of each login session
 * @property {number} tokenLifetime milliseconds
 * @property {Fault[]} faults
 * @property {Style} style
 * @property {string[]} commands what was run, without its options
 * @property {number[]} pids every process that was interactive
 */

const LOCK_WAIT = new Int32Array(new SharedArrayBuffer(4));

/** @returns {string} */
export function stateFolder() {
  const folder = process.env["CLOUDHSM_CLI_STAND_IN"];
  if (folder !== undefined) return folder;
  throw new Error("this is a stand-in for AWS's cloudhsm-cli: CLOUDHSM_CLI_STAND_IN must name the folder of its state");
}

/**
 * @template T
 * @param {string} folder
 * @param {(state: State) => T} use reads and changes the state, while no other process does
 * @returns {T}
 */
export function withState(folder, use) {
  const lock = join(folder, "lock");
  const file = join(folder, "state.json");
  takeLock(lock);
  try {
    const state = JSON.parse(readFileSync(file, "utf8"));
    try {
      return use(state);
    } finally {
      // Also after a refusal: it may have counted a wrong password.
      writeFileSync(`${file}.new`, JSON.stringify(state, undefined, 2));
      renameSync(`${file}.new`, file);
    }
  } finally {
    unlinkSync(lock);
  }
}

/**
 * The lock names its process: one that was killed meanwhile must not stop the others.
 *
 * @param {string} lock
 */
function takeLock(lock) {
  const mine = `${lock}-${process.pid}`;
  writeFileSync(mine, `${process.pid}`);
  try {
    while (!tryLink(mine, lock)) {
      if (isAbandoned(lock)) rmSync(lock, { force: true });
      else Atomics.wait(LOCK_WAIT, 0, 0, 2);
    }
  } finally {
    unlinkSync(mine);
  }
}

/** @param {string} from @param {string} to */
function tryLink(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code === "EEXIST") return false;
    throw error;
  }
}

/** @param {string} lock */
function isAbandoned(lock) {
  try {
    process.kill(Number(readFileSync(lock, "utf8")), 0);
    return false;
  } catch (error) {
    return /** @type {{ code?: string }} */ (error).code === "ESRCH";
  }
}
