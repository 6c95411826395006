import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import type { BaseAgent, ParsedKey } from "ssh2";
import { SignerError } from "../core/errors.ts";
import { CommandError, requireUsage } from "./errors.ts";

/** An RSA key that an ssh-agent holds. */
export interface AgentKey {
  readonly publicKey: KeyObject;
  /** `rsa-sha2-256` of RFC 8332, which is RSASSA-PKCS1-v1_5 with SHA-256. The agent may ask its user. */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

/**
 * Asks the agent of SSH_AUTH_SOCK for the RSA key with this fingerprint, `SHA256:…` as `ssh-add -l` prints it; for its only RSA key if
 * the fingerprint is empty.
 *
 * @throws CommandError USAGE; SignerError DEPENDENCY_MISSING without the package ssh2.
 */
export async function openAgentKey(fingerprint: string): Promise<AgentKey> {
  const socket = process.env["SSH_AUTH_SOCK"];
  requireUsage(socket, "SSH_AUTH_SOCK is not set: start an ssh-agent, and add the key with ssh-add");
  const { createAgent } = await importSsh2();
  const agent = createAgent(socket) as BaseAgent<ParsedKey>;
  const keys = (await identities(agent)).filter(({ type }) => type === "ssh-rsa");
  const found = keys.filter((key) => fingerprint === "" || fingerprintOf(key) === fingerprint);
  const shown = keys.map(fingerprintOf).join(", ") || "none";
  requireUsage(found.length > 0, `the ssh-agent has no such RSA key; its RSA keys are ${shown}`);
  requireUsage(found.length === 1, `the ssh-agent has several RSA keys, name one as ssh-agent:SHA256:…: ${shown}`);
  const key = found[0] as ParsedKey;
  return { publicKey: createPublicKey(key.getPublicPEM()), sign: (data) => sign(agent, key, data) };
}

function identities(agent: BaseAgent<ParsedKey>): Promise<readonly ParsedKey[]> {
  return new Promise((resolve, reject) => {
    agent.getIdentities((error, keys) => {
      if (error) reject(new CommandError("USAGE", "the ssh-agent of SSH_AUTH_SOCK does not answer"));
      else resolve((keys ?? []) as readonly ParsedKey[]);
    });
  });
}

function sign(agent: BaseAgent<ParsedKey>, key: ParsedKey, data: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    agent.sign(key, Buffer.from(data), { hash: "sha256" }, (error, signature) => {
      if (error || !signature) reject(new CommandError("DECLINED", "the ssh-agent, or its user, did not sign"));
      else resolve(signature);
    });
  });
}

function fingerprintOf(key: ParsedKey): string {
  return `SHA256:${createHash("sha256").update(key.getPublicSSH()).digest("base64").replace(/=+$/, "")}`;
}

async function importSsh2(): Promise<typeof import("ssh2")> {
  try {
    const { default: ssh2 } = await import("ssh2");
    return ssh2;
  } catch (cause) {
    const message = "the package ssh2 cannot be loaded: run npm install ssh2 (keys of an ssh-agent need it)";
    throw new SignerError("DEPENDENCY_MISSING", message, { operation: "load", cause });
  }
}
