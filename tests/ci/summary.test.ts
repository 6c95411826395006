import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";

const script = join(__dirname, "../../scripts/ci-summary.mjs");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ci-summary-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** "passed: suite › inner › title" */
function test(line: string) {
  const [, status, path = ""] = /^(\w+): (.+)$/.exec(line) ?? [];
  const titles = path.split(" › ");
  return { status, ancestorTitles: titles.slice(0, -1), title: titles.at(-1) };
}

function file(name: string, lines: readonly string[], status = "passed") {
  return { name: join(folder, name), status, message: "", assertionResults: lines.map(test) };
}

function summary(checks: readonly string[], files?: readonly ReturnType<typeof file>[]) {
  writeFileSync(join(folder, "checks"), checks.map((line) => `${line}\n`).join(""));
  if (files) writeFileSync(join(folder, "jest.json"), JSON.stringify({ testResults: files }));
  const { status, stdout } = spawnSync(process.execPath, [script, "checks", "jest.json"], {
    cwd: folder,
    encoding: "utf8",
  });
  const lines = stdout.trimEnd().split("\n");
  return { exitCode: status, last: lines.at(-1), text: stdout };
}

describe("the summary of a CI run", () => {
  it("adds the tests to the other checks", () => {
    const files = [file("a.test.ts", ["passed: a › one", "passed: a › two"]), file("b.test.ts", ["passed: three"])];
    const { exitCode, last } = summary(["passed 1 1 install", "passed 1 1 test", "passed 1 1 lint"], files);
    expect(last).toBe("5 passed, 0 failed, 0 skipped");
    expect(exitCode).toBe(0);
  });

  it("lists the time and the CPU time of each check, slowest first", () => {
    const { text } = summary(["passed 9 1 install", "skipped 7 1 audit", "failed 100 1 lint", "passed 0 1 build"]);
    expect(text).toContain(
      "Time and CPU time of each check:\n    100 s     1 s  lint (failed)\n      9 s     1 s  install\n      7 s     1 s  audit (skipped)\n      0 s     1 s  build\n",
    );
  });

  it("fails for a failed check, and names it", () => {
    const { exitCode, last, text } = summary(
      ["passed 1 1 test", "failed 1 1 lint"],
      [file("a.test.ts", ["passed: one"])],
    );
    expect(last).toBe("1 passed, 1 failed, 0 skipped");
    expect(text).toContain("check: lint");
    expect(exitCode).toBe(1);
  });

  it("counts a check that could not be made as skipped, and names it", () => {
    const { exitCode, last, text } = summary(
      ["passed 1 1 lint", "skipped 1 1 audit"],
      [file("a.test.ts", ["passed: one"])],
    );
    expect(last).toBe("2 passed, 0 failed, 1 skipped");
    expect(text).toContain("check: audit");
    expect(exitCode).toBe(0);
  });

  it("fails for a failed test, and names it", () => {
    const files = [file("a.test.ts", ["passed: a › one", "failed: a › two"], "failed")];
    const { exitCode, last, text } = summary(["failed 1 1 test"], files);
    expect(last).toBe("1 passed, 1 failed, 0 skipped");
    expect(text).toContain("test: a.test.ts › a › two");
    expect(exitCode).toBe(1);
  });

  it("fails for a test file that did not run", () => {
    const { exitCode, last } = summary(["failed 1 1 test"], [file("a.test.ts", [], "failed")]);
    expect(last).toBe("0 passed, 1 failed, 0 skipped");
    expect(exitCode).toBe(1);
  });

  it("counts the tests as one failed check where jest wrote no report", () => {
    const { exitCode, last } = summary(["passed 1 1 lint", "failed 1 1 test"]);
    expect(last).toBe("1 passed, 1 failed, 0 skipped");
    expect(exitCode).toBe(1);
  });

  it("fails where jest failed although every test passed", () => {
    const { exitCode, last } = summary(["failed 1 1 test"], [file("a.test.ts", ["passed: one"])]);
    expect(last).toBe("1 passed, 1 failed, 0 skipped");
    expect(exitCode).toBe(1);
  });

  it("lets a single test be skipped, and names it", () => {
    const files = [file("a.test.ts", ["passed: a › one", "pending: a › two", "todo: a › three"])];
    const { exitCode, last, text } = summary(["passed 1 1 test"], files);
    expect(last).toBe("1 passed, 0 failed, 2 skipped");
    expect(text).toContain("a.test.ts › a › two");
    expect(exitCode).toBe(0);
  });

  it("fails for a test file that was skipped as a whole", () => {
    const files = [file("a.test.ts", ["pending: a › one", "pending: b › two"]), file("b.test.ts", ["passed: one"])];
    const { exitCode, last, text } = summary(["passed 1 1 test"], files);
    expect(last).toBe("1 passed, 1 failed, 2 skipped");
    expect(text).toMatch(/skipped as a whole.*: a\.test\.ts\n/);
    expect(exitCode).toBe(1);
  });

  it("fails for a describe block that was skipped as a whole, and names the outermost", () => {
    const files = [
      file("a.test.ts", ["passed: a › one", "pending: a › inner › deep › two", "pending: a › inner › three"]),
    ];
    const { exitCode, last, text } = summary(["passed 1 1 test"], files);
    expect(last).toBe("1 passed, 1 failed, 2 skipped");
    expect(text).toMatch(/skipped as a whole.*: a\.test\.ts › a › inner\n/);
    expect(exitCode).toBe(1);
  });
});
