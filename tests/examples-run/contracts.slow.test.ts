import { expect, test } from "@jest/globals";
import { run } from "./program.ts";

test("the compiled contracts are what the compiler makes of their sources", async () => {
  const { status, output } = await run("scripts/examples/contracts.mjs", ["--check"]);
  expect(output).not.toContain("is not what");
  expect(output.match(/: ok$/gm)).toHaveLength(4);
  expect(status).toBe(0);
});
