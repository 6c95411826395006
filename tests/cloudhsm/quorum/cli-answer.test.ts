import { describe, expect, it } from "@jest/globals";
import { AnswerReader } from "../../../src/cloudhsm/quorum/cli-answer.ts";

const PRETTY =
  '{\n  "error_code": 0,\n  "data": {\n    "username": "a\\"}{",\n    "list": [{}, {"error_code": 7}]\n  }\n}\n';
const ANSWER = { errorCode: 0, data: { username: 'a"}{', list: [{}, { error_code: 7 }] } };

function reader(text: string): AnswerReader {
  const created = new AnswerReader();
  created.push(text);
  return created;
}

describe("AnswerReader", () => {
  it.each([
    ["alone", PRETTY],
    ["on one line", `${JSON.stringify(JSON.parse(PRETTY))}`],
    ["behind a prompt", `aws-cloudhsm > ${PRETTY}`],
    ["behind several prompts, and a question", `aws-cloudhsm > aws-cloudhsm >Enter password: ${PRETTY}`],
    ["with CRLF", PRETTY.replaceAll("\n", "\r\n")],
    ["in colours", `\u001b[1;32m${PRETTY.replaceAll("\n", "\u001b[0m\n\u001b[K")}`],
    ["behind a title", `\u001b]0;title\u0007${PRETTY}`],
    ["behind other objects", `{}\n{"error_code":"0"}\n{"error_code":0.5}\n{"errors":1}\n${PRETTY}`],
    ["behind half an answer", `{"error_code": 0, "data": {\n${PRETTY}`],
    ["behind an answer that ends within a string", `{"error_code": 0, "data": "Conn\n${PRETTY}`],
    ["behind JSON with a fault", `{"error_code": 0, "data": }\n${PRETTY}`],
    ["behind a brace in a line", `WARN {"error_code": 1, "data": "not at the line's start"}\n${PRETTY}`],
  ])("finds an answer %s", (_name, text) => {
    expect(reader(text).take()).toEqual(ANSWER);
  });

  it("finds it wherever the text was cut", () => {
    const text = `aws-cloudhsm > \u001b[32m${PRETTY}\u001b[0maws-cloudhsm > `;
    for (let at = 0; at < text.length; at++) {
      const created = reader(text.slice(0, at));
      const early = created.take();
      created.push(text.slice(at));
      expect(early ?? created.take()).toEqual(ANSWER);
      expect(created.take()).toBeUndefined();
      expect(created.prompts).toBe(2);
    }
  });

  it("gives answers one by one, in order", () => {
    const created = reader('{"error_code":1,"data":"a"}\n{"error_code":2}\n');
    expect([created.take(), created.take(), created.take()]).toEqual([
      { errorCode: 1, data: "a" },
      { errorCode: 2, data: undefined },
      undefined,
    ]);
  });

  it("has no answer in anything else", () => {
    for (const text of [
      "",
      "{",
      "}",
      '"error_code": 0',
      "null\n",
      "[0]\n",
      '{"error_code":0,"data":"',
      "aws-cloudhsm > ",
    ]) {
      expect(reader(text).take()).toBeUndefined();
    }
  });

  it.each([
    ["objects that are broken off", "{\n", 100_000],
    ["objects within objects", '{"a":\n', 100_000],
    ["quotes that are broken off", '{"\n', 100_000],
  ])("finds an answer behind a hundred thousand %s", (_name, line, count) => {
    expect(reader(`${line.repeat(count)}${PRETTY}`).take()).toEqual(ANSWER);
  });

  it("finds an answer that holds objects at the start of lines", () => {
    const text = '{"error_code": 0, "data": [\n{"a": 1},\n{"b": {}}\n]}\n';
    expect(reader(text).take()).toEqual({ errorCode: 0, data: [{ a: 1 }, { b: {} }] });
  });

  it("counts prompts, and notices the question for the password once", () => {
    const created = reader("banner\naws-cloudhsm > Enter pass");
    expect([created.prompts, created.asksPassword]).toEqual([1, false]);
    created.push("word:\u001b[?25l");
    expect(created.asksPassword).toBe(true);
    created.passwordGiven();
    expect([created.prompts, created.asksPassword]).toEqual([1, false]);
    created.push(PRETTY);
    expect(created.take()).toEqual(ANSWER);
    created.push("aws-cloudhsm > ");
    expect(created.prompts).toBe(2);
  });

  it("says when too much came without an answer", () => {
    const created = reader("x".repeat(1_000_000));
    expect(created.overflown).toBe(false);
    created.push("x");
    expect(created.overflown).toBe(true);
  });
});
