import { strictEqual } from "node:assert";
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

/** What the CloudHSM CLI prints: never refused, and every answer is a JSON object of its text. */
export const target: FuzzTarget<Read> = {
  maxLength: 65_536,
  seeds: () => [...ANSWERS.map(bytesOf), bytesOf(ANSWERS.join(""))],
  decode: (input) => read([textOf(input)]),
  allows: () => false,
  confirm(_input, { answers }) {
    for (const { errorCode, data } of answers) {
      const again = read([`${JSON.stringify({ error_code: errorCode, data })}\n`]);
      strictEqual(JSON.stringify(again.answers), JSON.stringify([{ errorCode, data }]));
    }
  },
  words: ["aws-cloudhsm > ", "Enter password: ", "\u001b[", "\u001b]", '{"error_code":0,"data":', "{\n"],
};
