import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { readInputs } from "./engine/corpus.ts";
import { judge } from "./engine/judge.ts";
import { CORPUS, FINDINGS, TARGETS } from "./folders.ts";
import type { FuzzTarget } from "./target.ts";

const names = readdirSync(TARGETS).map((name) => name.replace(/\.ts$/, ""));

describe.each(names)("%s", (name) => {
  test("answers or refuses every input of the corpus and of the findings, and is right", async () => {
    const { target } = (await import(join(TARGETS, `${name}.ts`))) as { readonly target: FuzzTarget };
    const folders = [join(CORPUS, name), join(FINDINGS, name)];
    const inputs = [...target.seeds(), ...(await Promise.all(folders.map(readInputs))).flat()];
    const verdicts = inputs.map((input) => judge(target, input, { isTimed: false }));
    // A target none of whose inputs is accepted would test nothing but refusals.
    expect(verdicts).toContain("accepted");
  });
});

test("every folder of the corpus and of the findings belongs to a target", () => {
  const folders = [CORPUS, FINDINGS].flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()),
  );
  expect(names).toEqual(expect.arrayContaining(folders.map((folder) => folder.name)));
});
