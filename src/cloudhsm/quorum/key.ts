import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeBase64 } from "ethers";
import { createApprovalRequest } from "../../approvals/create-request.ts";
import { quorumError } from "../../approvals/errors.ts";
import { mergeApprovals } from "../../approvals/merge.ts";
import { parseQuorumTokenFile, type QuorumTokenFile, serializeQuorumTokenFile } from "../../approvals/token-file.ts";
import { equalBytes } from "../../core/bytes.ts";
import { invalidResponse, SignerError } from "../../core/errors.ts";
import { addressFromPublicKey } from "../../core/public-key.ts";
import type { RawSignature } from "../../core/signature.ts";
import { withDeadline } from "../../signer/deadline.ts";
import { copyDigest } from "../../signer/payload.ts";
import type { CallOptions, RemoteKey, SignOptions } from "../../signer/remote-key.ts";
import { snapshot } from "../../signer/snapshot.ts";
import { awaitApprovals } from "./await-approvals.ts";
import type { CliAnswer } from "./cli-answer.ts";
import { CliConnection, FAILED } from "./cli-connection.ts";
import { CliFailure } from "./cli-failure.ts";
import { isSameReference, readListedKey } from "./cli-key.ts";
import { cliValue } from "./cli-line.ts";
import { dataOf, LoggedOut } from "./cli-refusal.ts";
import { type CliSession, SessionLost } from "./cli-session.ts";
import { outcomeUnknown, readSignature, SIGN } from "./cli-signature.ts";
import { type CheckedOptions, type CloudHsmQuorumKeyOptions, checkQuorumOptions, ROUNDS } from "./options.ts";

interface FoundKey {
  readonly reference: string;
  readonly publicKey: Uint8Array;
  readonly account: string;
  readonly required: number | undefined;
}

const LIST = "key list";
const GENERATE = "quorum token-sign generate";

/**
 * A secp256k1 key of an AWS CloudHSM cluster that several users must approve each use of, through AWS's CloudHSM CLI.
 *
 * It starts the CLI at its first call, logs in, and keeps that process: a token is of use only in the login session that made it.
 * The CLI runs one command at a time; any number of requests may wait for approvals meanwhile. Where the session ends before
 * the approvals are used, they are worthless: a new token is made and `approve` is asked again, three times in all. Once the CLI
 * was told to sign, nothing is repeated.
 */
export class CloudHsmQuorumKey implements RemoteKey {
  readonly backend = "cloudhsm-quorum";
  /** The key's name and the user's: no secret. */
  readonly id: string;
  readonly #options: CheckedOptions;
  readonly #connection: CliConnection;
  #finding: Promise<FoundKey> | undefined;

  /** Does no I/O. @throws ethers' INVALID_ARGUMENT for options that cannot be right. */
  constructor(options: CloudHsmQuorumKeyOptions) {
    const checked = checkQuorumOptions(options);
    const { key, user } = checked;
    const name = "label" in key ? `label=${encodeURIComponent(key.label)}` : `reference=${key.reference}`;
    this.id = `cloudhsm-quorum:${name};user=${encodeURIComponent(user)}`;
    this.#options = checked;
    this.#connection = new CliConnection(checked, checked.password);
  }

  async getPublicKey({ signal }: CallOptions = {}): Promise<Uint8Array> {
    return (await this.#find(signal)).publicKey.slice();
  }

  async signDigest(digest: Uint8Array, options: SignOptions = {}): Promise<RawSignature> {
    const own = { digest: copyDigest(digest), payload: snapshot(options.payload, "payload") };
    const key = await this.#find(options.signal);
    return this.#inSession((session) => this.#signOnce(session, key, own, options), options.signal);
  }

  /** Ends the login session; the next call begins another. */
  invalidate(): void {
    this.#connection.invalidate();
  }

  /**
   * Requests that wait for approvals, and signatures that the CLI was not yet told to make, fail with SIGNER_CLOSED. Waits for the
   * command that runs, then ends the CLI: by `quit`, after 2 seconds by SIGTERM, after 4 by SIGKILL. Idempotent.
   */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #find(signal: AbortSignal | undefined): Promise<FoundKey> {
    signal?.throwIfAborted();
    this.#finding ??= this.#inSession((session) => this.#list(session), this.#connection.closing).catch(
      (error: unknown) => {
        this.#finding = undefined;
        throw error;
      },
    );
    const finding = this.#finding;
    return withDeadline(() => finding, { signal });
  }

  async #list(session: CliSession): Promise<FoundKey> {
    const { key, publicKey: given, requiredApprovals = 0 } = this.#options;
    const filter = "label" in key ? `attr.label=${cliValue(key.label, "keyLabel")}` : `key-reference=${key.reference}`;
    const answer = await this.#run(session, LIST, `--filter ${filter} attr.class=private-key --verbose`);
    const { reference, publicKey: shown, useQuorum = 0 } = readListedKey(answer, key);
    if (shown !== undefined && given !== undefined && !equalBytes(shown, given)) {
      const identity = (each: Uint8Array) => ({ keyId: this.id, address: addressFromPublicKey(each) });
      throw new SignerError("KEY_CHANGED", "the key is not the one of the option publicKey; correct one of the two", {
        info: { previous: identity(given), current: identity(shown) },
      });
    }
    const publicKey = shown ?? given;
    if (publicKey === undefined) {
      throw new SignerError("KEY_UNUSABLE", "the CloudHSM CLI does not show the key's ec-point: pass publicKey");
    }
    const required = Math.max(requiredApprovals, useQuorum) || undefined;
    return { reference, publicKey, account: addressFromPublicKey(publicKey), required };
  }

  /** Token, approvals, signature: all in one login session. */
  async #signOnce(
    session: CliSession,
    key: FoundKey,
    { digest, payload }: { readonly digest: Uint8Array; readonly payload: SignOptions["payload"] },
    options: SignOptions,
  ): Promise<RawSignature> {
    const { signal } = options;
    const { approve, approvers, requester, approvalTimeout } = this.#options;
    // The token's life begins with it, not with its place in the queue.
    let expiresAt = 0;
    const begin = () => {
      this.#requireWanted(signal);
      expiresAt = Date.now() + approvalTimeout;
    };
    const token = await withTokenPath((path) => this.#makeToken(session, key, path, begin));
    requireTime(expiresAt);
    const request = createApprovalRequest({
      digest,
      content: payload,
      account: key.account,
      requester,
      expiresAt: new Date(expiresAt),
      token,
    });
    const others = [this.#connection.closing, session.lost];
    const ms = Math.max(expiresAt - Date.now(), 1);
    const approvals = await awaitApprovals(approve, request, { signal, others, ms });
    const approved = mergeApprovals(token, approvals, { users: approvers, required: key.required });
    return withTokenPath(async (path) => {
      await writeFile(path, serializeQuorumTokenFile(approved), { mode: 0o600 });
      return this.#sign(session, key, { digest, path, expiresAt, options });
    });
  }

  async #makeToken(session: CliSession, key: FoundKey, path: string, begin: () => void): Promise<QuorumTokenFile> {
    const parameters = `--service key-usage --token ${cliValue(path, "TMPDIR")} --filter key-reference=${key.reference}`;
    const answer = await this.#run(session, GENERATE, parameters, begin);
    dataOf(answer, GENERATE);
    const token = await readToken(path);
    if (token.service !== "key-usage" || !isSameReference(token.key_reference ?? key.reference, key.reference)) {
      throw invalidResponse("the CloudHSM CLI made a token for another key or service", { operation: GENERATE });
    }
    return token;
  }

  async #sign(
    session: CliSession,
    key: FoundKey,
    {
      digest,
      path,
      expiresAt,
      options: { signal, onCommitted },
    }: { digest: Uint8Array; path: string; expiresAt: number; options: SignOptions },
  ): Promise<RawSignature> {
    const parameters = [
      `--key-filter key-reference=${key.reference} --hash-function sha256 --data-type digest`,
      `--data ${cliValue(encodeBase64(digest), "digest")} --approval ${cliValue(path, "TMPDIR")}`,
    ].join(" ");
    const answer = await session
      .run(`${SIGN} ${parameters}`, () => {
        this.#requireWanted(signal);
        requireTime(expiresAt);
        onCommitted?.();
      })
      .catch((error: unknown) => {
        throw error instanceof CliFailure && error.sent ? outcomeUnknown(error) : error;
      });
    const data = dataOf(answer, SIGN, this.#options.approvers !== undefined);
    try {
      return readSignature(data, key.reference);
    } catch (error) {
      session.retire();
      throw error;
    }
  }

  /** A command that may be repeated, with the errors of one that failed. */
  async #run(session: CliSession, command: string, parameters: string, before?: () => void): Promise<CliAnswer> {
    try {
      return await session.run(`${command} ${parameters}`, before);
    } catch (error) {
      if (!(error instanceof CliFailure) || error.kind === "died") throw error;
      const message =
        `the CloudHSM CLI ${FAILED[error.kind]} to ${command}; nothing was signed. ${error.detail}`.trim();
      const code = error.kind === "timeout" ? "BACKEND_TIMEOUT" : "BACKEND_RESPONSE_INVALID";
      throw new SignerError(code, message, { operation: command });
    }
  }

  async #inSession<T>(use: (session: CliSession) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    for (let round = 1; ; round++) {
      this.#requireWanted(signal);
      const session = await this.#connection.session(signal);
      try {
        return await use(session);
      } catch (error) {
        if (!(error instanceof LoggedOut || error instanceof SessionLost || error instanceof CliFailure)) throw error;
        session.retire();
        if (round < ROUNDS) continue;
        const message = `the CloudHSM CLI's login session ended ${ROUNDS} times before it signed; look at the CLI's log`;
        throw new SignerError("BACKEND_UNAVAILABLE", `${message}. ${detail(error)}`.trim(), {
          operation: SIGN,
          // People would be asked again, without knowing why the former approvals were of no use.
          retryable: false,
        });
      }
    }
  }

  #requireWanted(signal: AbortSignal | undefined): void {
    this.#connection.closing.throwIfAborted();
    signal?.throwIfAborted();
  }
}

function requireTime(expiresAt: number): void {
  if (Date.now() < expiresAt) return;
  throw quorumError("expired", "there was no time left for approvals, or they came too late; the next call asks again");
}

/** Runs `use` with the path of a file in a new folder, readable by this user only, and removes the folder afterwards. */
async function withTokenPath<T>(use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), `ethers-hsm-quorum-${process.pid}-`));
  try {
    return await use(join(folder, "token.json"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readToken(path: string): Promise<QuorumTokenFile> {
  try {
    return parseQuorumTokenFile(await readFile(path, "utf8"));
  } catch (cause) {
    throw invalidResponse("the CloudHSM CLI wrote no token file of key usage", { operation: GENERATE, cause });
  }
}

function detail(error: Error): string {
  return error instanceof CliFailure ? error.detail : error.message;
}
