import { SignerError } from "../../core/errors.ts";
import { withDeadline } from "../../signer/deadline.ts";
import { CliFailure, shownText } from "./cli-failure.ts";
import { type CliOptions, CliSession } from "./cli-session.ts";

export type Password = string | (() => string | Promise<string>);

// What a login says that never reached an HSM, and so counted as no wrong password.
const UNREACHABLE = /\b(?:connect\w*|network|unreachable|timed out|unavailable)\b/i;

/** A user's login session in a CLI process, made again when it is lost. */
export class CliConnection {
  readonly #options: CliOptions;
  readonly #password: Password;
  readonly #sessions = new Set<CliSession>();
  #current: CliSession | undefined;
  #opening: Promise<CliSession> | undefined;
  #refused: SignerError | undefined;
  readonly #closing = new AbortController();

  constructor(options: CliOptions, password: Password) {
    this.#options = options;
    this.#password = password;
  }

  /**
   * The session, logged in: one for all callers.
   *
   * @throws SignerError ACCESS_DENIED where the login was refused, also at every later call: five wrong passwords lock a user.
   */
  async session(signal?: AbortSignal): Promise<CliSession> {
    this.#closing.signal.throwIfAborted();
    if (this.#refused !== undefined) throw this.#refused;
    const current = this.#current;
    if (current !== undefined && !current.lost.aborted) return current;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    const opening = this.#opening;
    // The password may be slow to come.
    const untilClosed = () => withDeadline(() => opening, { signal: this.#closing.signal });
    return withDeadline(untilClosed, { signal });
  }

  /** What the session answered cannot be trusted: the next command begins another. */
  invalidate(): void {
    this.#current?.retire();
  }

  /** Aborts with SIGNER_CLOSED. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Waits for the commands that run or wait, then ends every process. */
  async close(): Promise<void> {
    this.#closing.abort(new SignerError("SIGNER_CLOSED", "the signer was closed; construct a new one"));
    await Promise.all([...this.#sessions].map((session) => session.end()));
  }

  async #open(): Promise<CliSession> {
    const password = typeof this.#password === "function" ? await this.#password() : this.#password;
    if (typeof password !== "string" || password.length === 0 || /[\r\n\0]/.test(password)) {
      throw new SignerError("ACCESS_DENIED", "password must return a string of one line", { operation: "login" });
    }
    this.#closing.signal.throwIfAborted();
    const session = this.#start();
    try {
      await this.#logIn(session, password);
    } catch (error) {
      session.retire();
      throw error;
    }
    this.#current = session;
    return session;
  }

  #start(): CliSession {
    let session: CliSession;
    try {
      session = new CliSession(this.#options);
    } catch (error) {
      // spawn throws at once for a path that no system takes.
      throw this.#unstartable((error as NodeJS.ErrnoException).code);
    }
    this.#sessions.add(session);
    void session.ended.then(() => this.#sessions.delete(session));
    return session;
  }

  async #logIn(session: CliSession, password: string): Promise<void> {
    const answer = await session.logIn(this.#options.user, password).catch((error: unknown) => {
      throw this.#loginFailure(error);
    });
    if (answer.errorCode === 0) return;
    const { data } = answer;
    const text = shownText(typeof data === "string" ? data.replaceAll(password, "[REDACTED]") : "");
    const said = `the CloudHSM CLI answered the login with ${JSON.stringify(text)}`;
    if (UNREACHABLE.test(text)) throw new SignerError("BACKEND_UNAVAILABLE", said, { operation: "login" });
    this.#refused = new SignerError(
      "ACCESS_DENIED",
      `${said}; it is not tried again, since five wrong passwords lock a user: correct user and password, and construct a new signer`,
      { operation: "login" },
    );
    throw this.#refused;
  }

  #loginFailure(error: unknown): unknown {
    if (!(error instanceof CliFailure)) return error;
    if (error.kind === "not-started") return this.#unstartable(error.detail);
    return new SignerError(
      error.kind === "timeout" ? "BACKEND_TIMEOUT" : "BACKEND_UNAVAILABLE",
      `the CloudHSM CLI ${FAILED[error.kind]} at the login; try it in a terminal, and look at its log. ${error.detail}`.trim(),
      { operation: "login" },
    );
  }

  #unstartable(code: string | undefined): SignerError {
    const advice =
      code === "ENOENT"
        ? "there is none: install AWS's package cloudhsm-cli, and configure it with configure-cli"
        : "check its permissions, and that it is made for this system";
    return new SignerError(
      "DEPENDENCY_MISSING",
      `the CloudHSM CLI at ${this.#options.cliPath} cannot be started (${code ?? "unknown error"}): ${advice}`,
      { operation: "spawn" },
    );
  }
}

/** What a {@link CliFailure} says of the CLI. */
export const FAILED = {
  "not-started": "could not be started",
  died: "ended",
  timeout: "did not answer in time",
  "no-answer": "gave no answer in JSON",
} as const;
