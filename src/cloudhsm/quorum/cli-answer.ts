import { objects } from "./cli-objects.ts";

/** What the CloudHSM CLI answers a command with: `{"error_code": 0, "data": …}`. */
export interface CliAnswer {
  /** 0 where it succeeded. */
  readonly errorCode: number;
  /** An object, or text: the reason of a failure. */
  readonly data: unknown;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: ECMA-48 control sequences begin with one.
const CONTROL_SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])|\r/g;
const PROMPT = /aws-cloudhsm\s*>/g;
const ASKS_PASSWORD = /Enter password:\s*$/;
/** A listing of one key has about 2,000 characters. */
const MAX_PENDING = 1_000_000;

/**
 * Finds answers in what the CLI prints: a JSON object that begins on a line of its own, perhaps behind a prompt. Banners,
 * warnings, echoed commands, colours and JSON that was broken off are passed over.
 */
export class AnswerReader {
  #pending = "";
  #promptsBefore = 0;

  push(chunk: string): void {
    // What is left of a sequence that was cut off goes when the rest of it comes.
    this.#pending = (this.#pending + chunk).replace(CONTROL_SEQUENCES, "");
  }

  /** The next answer that is complete. */
  take(): CliAnswer | undefined {
    const text = this.#pending;
    for (const { start, end } of objects(text)) {
      const answer = readAnswer(text.slice(start, end));
      if (answer === undefined) continue;
      this.#promptsBefore += countPrompts(text.slice(0, start));
      this.#pending = text.slice(end);
      return answer;
    }
    return undefined;
  }

  /** How many prompts there were so far. Each follows a command that is done; the first says that the CLI is ready. */
  get prompts(): number {
    return this.#promptsBefore + countPrompts(this.#pending);
  }

  get asksPassword(): boolean {
    return ASKS_PASSWORD.test(this.#pending);
  }

  /** Whether more came without an answer than any answer has. */
  get overflown(): boolean {
    return this.#pending.length > MAX_PENDING;
  }

  /** Forgets a question for the password that was answered. */
  passwordGiven(): void {
    this.#pending = this.#pending.replace(ASKS_PASSWORD, "");
  }
}

function countPrompts(text: string): number {
  return text.match(PROMPT)?.length ?? 0;
}

function readAnswer(json: string): CliAnswer | undefined {
  try {
    const { error_code: errorCode, data } = JSON.parse(json) as { error_code?: unknown; data?: unknown };
    return Number.isSafeInteger(errorCode) ? { errorCode: errorCode as number, data } : undefined;
  } catch {
    return undefined;
  }
}
