import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ROOT } from "./folders.ts";

const FIXTURES = join(ROOT, "tests/fuzz/fixtures");
const run = promisify(execFile);
/** Below every limit of jest's: no process outlives its test. */
const TIMEOUT = 290_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ethers-hsm-fuzz-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly output: string;
}

const fuzz = (...args: readonly string[]) => start("tests/fuzz/main.ts", args);

async function start(program: string, args: readonly string[]): Promise<Outcome> {
  try {
    const { stdout } = await run(process.execPath, ["--import", "tsx", program, ...args], {
      ...{ cwd: ROOT, timeout: TIMEOUT },
    });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

const planted = (target: string, ...args: readonly string[]) =>
  fuzz(
    "--targets",
    `${FIXTURES}/targets`,
    "--source",
    `${FIXTURES}/source`,
    "--findings",
    folder,
    "--target",
    target,
    ...args,
  );

describe("finds, in a decoder with a planted fault,", () => {
  test.each([
    ["a TypeError behind four branches", "deep", "error", /TypeError/],
    ["quadratic time", "slow", "slow", /ms at best/],
    ["memory without bound", "memory", "memory", /heap/],
    ["a loop without end", "hang", "hang", /no answer within/],
    ["a wrong answer", "wrong", "wrong", /answer is wrong/],
    ["an answer without proportion", "large", "large", /allowed/],
  ])(
    "%s",
    async (_name, target, kind, message) => {
      const { code, output } = await planted(target, "--executions", "2000000", "--seed", "1");
      expect(output).toMatch(message);
      expect(code).toBe(1);
      const [file = ""] = await readdir(join(folder, target));
      expect(file).toMatch(new RegExp(`^${kind}-[0-9a-f]{16}\\.bin$`));
      expect(output).toContain(`--target ${target} --replay`);
    },
    300_000,
  );

  test("and replays what it found", async () => {
    const file = join(folder, "deep", (await readdir(join(folder, "deep")))[0] ?? "");
    expect((await readFile(file, "latin1")).slice(0, 4)).toBe("FUZZ");
    const { code, output } = await planted("deep", "--replay", file);
    expect(output).toMatch(/the decoder threw TypeError/);
    expect(code).toBe(1);
  }, 300_000);
});

test("the same seed gives the same run, and what is new goes into the corpus", async () => {
  const once = async (corpus: string) => {
    const { code, output } = await fuzz(
      ...["--target", "der", "--executions", "3000", "--seed", "7", "--corpus", join(folder, corpus)],
    );
    expect(code).toBe(0);
    expect(output).toMatch(/der +3000 executions .* [1-9]\d* accepted; \d+ of \d+ branches; .* [1-9]\d* new/);
    return readdir(join(folder, corpus, "der"));
  };
  expect(await once("a")).toEqual(await once("b"));
}, 600_000);

test.each([
  ["an unknown target", ["--target", "nothing"], /no target nothing; there are .*der/],
  ["a replay without a target", ["--replay", "x"], /--replay needs one --target/],
  ["a folder without targets", ["--targets", `${FIXTURES}/../corpus/der`], /there is no target in .*der/],
  ["a source of which the target has nothing", ["--target", "der", "--source", FIXTURES], /imports no branch of/],
])(
  "refuses %s, and says what there is",
  async (_name, args, message) => {
    const { code, output } = await fuzz(...args);
    expect(output).toMatch(message);
    expect(output).toMatch(/--seconds N/);
    expect(code).toBe(2);
  },
  300_000,
);

test.each(["many", "0", "1.5"])(
  "the comparison refuses %s cases",
  async (cases) => {
    const { code, output } = await start("tests/fuzz/differential/main.ts", ["--cases", cases]);
    expect(output).toMatch(/--cases must be an integer above 0/);
    expect(code).toBe(1);
  },
  300_000,
);
