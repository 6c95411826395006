import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

const PLACES = ["src", "docs", "examples", "scripts", "benchmarks/src", "README.md", "SECURITY.md", "CONTRIBUTING.md"];
/** Old names stand in it. */
const EXCEPT = ["docs/migrating.md"];
/** Words that name no actor, or that the field has another term for. */
const WORDS =
  /\b(somebody|nobody|whoever|anew|had again|by itself|whole number|must be text|none of KMS|strangers?|neighbours?|misbehaviours?|distrust|doomed|lender|is no (?:text|JSON|URL|hex|object|number))\b/gi;

test("sources and documents use plain, standard words", () => {
  const found = PLACES.flatMap(files)
    .filter((file) => /\.(ts|mjs|cjs|md)$/.test(file) && !EXCEPT.includes(file))
    .flatMap((file) =>
      readFileSync(file, "utf8")
        .split("\n")
        .flatMap((line, index) => [...line.matchAll(WORDS)].map(([word]) => `${file}:${index + 1}: ${word}`)),
    );
  expect(found).toEqual([]);
});

function files(place: string): string[] {
  if (/\.\w+$/.test(place)) return [place];
  return readdirSync(place, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/node_modules|\/(?:dist|artifacts|cache|cdk\.out)\//.test(file));
}
