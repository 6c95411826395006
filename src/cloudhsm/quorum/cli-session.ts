import type { CliAnswer } from "./cli-answer.ts";
import { cliValue, isQuotable } from "./cli-line.ts";
import { CliProcess } from "./cli-process.ts";

export interface CliOptions {
  readonly cliPath: string;
  readonly clusterId: string | undefined;
  readonly user: string;
  /** The longest wait for one command, in milliseconds. */
  readonly commandTimeout: number;
}

/** A CLI process in which a user is logged in: one command at a time, in the order in which they came. */
export class CliSession {
  readonly #process: CliProcess;
  readonly #timeout: number;
  readonly #lost = new AbortController();
  #tail: Promise<unknown> = Promise.resolve();

  /** Starts a process, in which no user is logged in yet. */
  constructor({ cliPath, clusterId, commandTimeout }: CliOptions) {
    this.#timeout = commandTimeout;
    const parameters = clusterId === undefined ? [] : ["--cluster-id", clusterId];
    this.#process = new CliProcess(cliPath, parameters, () => this.#lost.abort(new SessionLost()));
  }

  /** Aborts once the process has ended, or the login in it. Tokens of the session are worthless then. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get ended(): Promise<void> {
    return this.#process.ended;
  }

  /**
   * Logs in. The password goes through the process' stdin only: as an argument of the command's line where it can be quoted,
   * since a prompt may want a terminal; at the prompt otherwise.
   */
  logIn(user: string, password: string): Promise<CliAnswer> {
    const line = `login --username ${cliValue(user, "user")} --role crypto-user`;
    const byArgument = isQuotable(password) && !password.startsWith("-");
    const whole = byArgument ? `${line} --password ${cliValue(password, "password")}` : line;
    return this.#inTurn(() => this.#process.run(whole, this.#timeout, password));
  }

  /**
   * Runs a command when its turn comes.
   *
   * @param before runs just before the command is sent; where it throws, nothing is sent.
   * @throws CliFailure; SessionLost where it was lost before the command was sent.
   */
  run(line: string, before?: () => void | Promise<void>): Promise<CliAnswer> {
    return this.#inTurn(async () => {
      await before?.();
      this.#lost.signal.throwIfAborted();
      return this.#process.run(line, this.#timeout);
    });
  }

  /** Its login is over, or its answers cannot be trusted: commands that wait are not sent any more. */
  retire(): void {
    this.#lost.abort(new SessionLost());
    void this.end();
  }

  /** Waits for the commands that run or wait, then ends the process. */
  async end(): Promise<void> {
    await this.#tail;
    await this.#process.end();
  }

  #inTurn(command: () => Promise<CliAnswer>): Promise<CliAnswer> {
    const result = this.#tail.then(command);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}

/** The login session is over, and with it each token that it made; the command was not sent. */
export class SessionLost extends Error {}
