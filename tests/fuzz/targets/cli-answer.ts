import { deepStrictEqual, strictEqual } from "node:assert";
import { createHash } from "node:crypto";
import { AnswerReader, type CliAnswer } from "../../../src/cloudhsm/quorum/cli-answer.ts";
import { bytesOf, textOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

const ANSWERS = [
  '{\n  "error_code": 0,\n  "data": {\n    "key-reference": "0x01",\n    "signature": "AAAA"\n  }\n}\n',
  'aws-cloudhsm > {"error_code": 1, "data": "Quorum Failed"}\n',
  "Enter password:\r\naws-cloudhsm > \u001b[32mlogin\u001b[0m\n",
  'warning\n{"error_code": 0, "da\n{"error_code":0,"data":{"text":"} \\" {"}}\naws-cloudhsm >',
];

interface Read {
  readonly answers: readonly CliAnswer[];
  readonly prompts: number;
  readonly asksPassword: boolean;
}

function read(chunks: readonly string[]): Read {
  const reader = new AnswerReader();
  const answers: CliAnswer[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let answer = reader.take(); answer !== undefined; answer = reader.take()) answers.push(answer);
  }
  return { answers, prompts: reader.prompts, asksPassword: reader.asksPassword };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: ECMA-48 control sequences begin with one.
const CONTROL_SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])|\r/g;

/** Whether a control sequence comes to be when another is taken out from within it: that depends on the chunks. */
function isNested(text: string): boolean {
  const once = text.replace(CONTROL_SEQUENCES, "");
  return once.replace(CONTROL_SEQUENCES, "") !== once;
}

/** A place within a text that depends on all of it. */
function placeIn(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32LE() % (text.length + 1);
}

/** What the CloudHSM CLI prints: never refused; every answer is a JSON object of its text, and the same in two chunks. */
export const target: FuzzTarget<Read> = {
  maxLength: 65_536,
  seeds: () => [...ANSWERS.map(bytesOf), bytesOf(ANSWERS.join(""))],
  decode: (input) => read([textOf(input)]),
  allows: () => false,
  confirm(input, output) {
    const text = textOf(input);
    const cut = placeIn(text);
    if (!isNested(text)) deepStrictEqual(read([text.slice(0, cut), text.slice(cut)]), output);
    for (const { errorCode, data } of output.answers) {
      const again = read([`${JSON.stringify({ error_code: errorCode, data })}\n`]);
      strictEqual(JSON.stringify(again.answers), JSON.stringify([{ errorCode, data }]));
    }
  },
  words: ["aws-cloudhsm > ", "Enter password: ", "\u001b[", "\u001b]", '{"error_code":0,"data":', "{\n"],
};
