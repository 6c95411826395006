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
const BEFORE_ANSWER = /^(?:aws-cloudhsm\s*>\s*|Enter password:\s*)*/;
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
    this.#pending += chunk;
  }

  /** The next answer that is complete. */
  take(): CliAnswer | undefined {
    const text = this.#text();
    for (const { 0: line, index } of text.matchAll(/^.*$/gm)) {
      const start = index + (BEFORE_ANSWER.exec(line)?.[0].length ?? 0);
      const end = text[start] === "{" ? endOfObject(text, start) : undefined;
      const answer = end === undefined ? undefined : readAnswer(text.slice(start, end));
      if (end === undefined || answer === undefined) continue;
      this.#promptsBefore += countPrompts(text.slice(0, start));
      this.#pending = text.slice(end);
      return answer;
    }
    return undefined;
  }

  /** How many prompts there were so far. Each follows a command that is done; the first says that the CLI is ready. */
  get prompts(): number {
    return this.#promptsBefore + countPrompts(this.#text());
  }

  get asksPassword(): boolean {
    return ASKS_PASSWORD.test(this.#text());
  }

  /** Whether more came without an answer than any answer has. */
  get overflown(): boolean {
    return this.#pending.length > MAX_PENDING;
  }

  /** Forgets a question for the password that was answered. */
  passwordGiven(): void {
    this.#pending = this.#text().replace(ASKS_PASSWORD, "");
  }

  #text(): string {
    return this.#pending.replace(CONTROL_SEQUENCES, "");
  }
}

function countPrompts(text: string): number {
  return text.match(PROMPT)?.length ?? 0;
}

/** The index behind the object's last brace; undefined where it is not complete, or broken off in a string. */
function endOfObject(text: string, start: number): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character === "\n") return undefined;
      if (character === "\\") at++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === "{") depth++;
    else if (character === "}" && --depth === 0) return at + 1;
  }
  return undefined;
}

function readAnswer(json: string): CliAnswer | undefined {
  try {
    const { error_code: errorCode, data } = JSON.parse(json) as { error_code?: unknown; data?: unknown };
    return Number.isSafeInteger(errorCode) ? { errorCode: errorCode as number, data } : undefined;
  } catch {
    return undefined;
  }
}
