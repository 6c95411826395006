import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";

test("what README.md links to is in the package", () => {
  const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" });
  const [{ files }] = JSON.parse(output) as [{ files: { path: string }[] }];
  const packed = new Set(files.map(({ path }) => path));
  const links = [...readFileSync("README.md", "utf8").matchAll(/\]\(([^)#]+)/g)].map(([, target]) => target ?? "");
  const relative = links.filter((target) => !/^https?:/.test(target));
  expect(relative.length).toBeGreaterThan(10);
  expect(relative.filter((target) => !packed.has(target))).toEqual([]);
});
