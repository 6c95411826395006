import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { addKeyPair } from "./keys.js";
import { type Fault, type Key, type State, type Style, withState } from "./state.js";

/** A crypto user of the stand-in's cluster, who can approve. */
export interface ClusterUser {
  readonly username: string;
  readonly password: string;
  /** RSA-2048: the HSM knows the public half only. */
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

// Making one takes a second: the users of a process' clusters have the same.
const rsaKeys = new Map<string, { readonly privateKey: KeyObject; readonly publicKey: KeyObject }>();

function rsaKey(username: string) {
  const key = rsaKeys.get(username) ?? generateKeyPairSync("rsa", { modulusLength: 2048 });
  rsaKeys.set(username, key);
  return key;
}

const EXECUTABLE = fileURLToPath(new URL("cloudhsm-cli.mjs", import.meta.url));

/** A cluster of the stand-in CLI in a folder of its own, and an executable that belongs to it. */
export class CloudHsmCluster {
  readonly folder = mkdtempSync(join(tmpdir(), "cloudhsm-cluster-"));
  /** What stands in for /opt/cloudhsm/bin/cloudhsm-cli. */
  readonly cliPath = join(this.folder, "cloudhsm-cli");
  readonly users: readonly ClusterUser[];

  constructor(usernames: readonly string[] = ["alice", "bob", "carol"]) {
    this.users = usernames.map((username) => ({
      username,
      password: `of ${username}: ${randomBytes(8).toString("hex")}`,
      ...rsaKey(username),
    }));
    const state: State = {
      users: Object.fromEntries(
        this.users.map(({ username, password, publicKey }) => [
          username,
          {
            role: "crypto-user",
            password,
            failedLogins: 0,
            publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
          },
        ]),
      ),
      keys: [],
      tokens: {},
      sessions: {},
      tokenLifetime: 600_000,
      faults: [],
      style: {},
      commands: [],
      pids: [],
    };
    writeFileSync(join(this.folder, "state.json"), JSON.stringify(state));
    const script = `#!/bin/sh\nCLOUDHSM_CLI_STAND_IN='${this.folder}' exec '${process.execPath}' '${EXECUTABLE}' "$@"\n`;
    writeFileSync(this.cliPath, script, { mode: 0o755 });
  }

  /** A secp256k1 key of the first user, shared with the others, of which `required` must approve its use. */
  addKey(label: string, required: number, privateKey?: string): Key {
    const [owner = "", ...shared] = this.users.map(({ username }) => username);
    return this.change((state) => {
      const { privateKey: key } = addKeyPair(state, {
        owner,
        shared,
        privateLabel: label,
        publicLabel: label,
        manageQuorum: required,
        useQuorum: required,
        publicAttributes: { verify: "true" },
        privateAttributes: { sign: "true", extractable: "false" },
        ...(privateKey === undefined ? {} : { privateKey: privateKey.replace(/^0x/, "") }),
      });
      return key;
    });
  }

  user(username: string): ClusterUser {
    const user = this.users.find((each) => each.username === username);
    if (user === undefined) throw new Error(`no user ${username}`);
    return user;
  }

  fail(...faults: Fault[]): void {
    this.change((state) => {
      state.faults.push(...faults);
    });
  }

  style(style: Style): void {
    this.change((state) => {
      state.style = style;
    });
  }

  /** Ends every login session from the cluster's side. */
  logoutAll(): void {
    this.change((state) => {
      state.sessions = {};
    });
  }

  get state(): State {
    return JSON.parse(readFileSync(join(this.folder, "state.json"), "utf8"));
  }

  /** How many signatures the keys have made. */
  get signatures(): number {
    return this.state.keys.reduce((sum, key) => sum + key.signatures, 0);
  }

  /** How often a command was run. */
  count(command: string): number {
    return this.state.commands.filter((each) => each === command).length;
  }

  /** The interactive processes that still are, zombies included. */
  get running(): number[] {
    return this.state.pids.filter((pid) => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    });
  }

  change<T>(use: (state: State) => T): T {
    return withState(this.folder, use);
  }

  remove(): void {
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true });
  }
}

/** An approval as `openssl dgst -sha256 -sign` over the approval data gives it. */
export function approvalBy(user: ClusterUser, approvalData: string) {
  const signature = sign("sha256", Buffer.from(approvalData, "base64"), user.privateKey).toString("base64");
  return { username: user.username, role: "crypto-user", signature };
}
