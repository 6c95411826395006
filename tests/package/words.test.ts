import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

const PLACES = ["src", "docs", "examples", "scripts", "benchmarks/src", "README.md", "SECURITY.md", "CONTRIBUTING.md"];
/** Old names stand in the first; the second is this list; "nobody" is a user of Linux in the third. */
const EXCEPT = ["docs/migrating.md", "tests/package/words.test.ts", "tests/support/databases.ts"];
/** Words that name no actor, or that the field has another term for. */
const WORDS =
  /\b(?:somebody|nobody|whoever|anew|had again|by itself|whole number|must be text|none of KMS|doomed|lender|strangers?|neighbours?|misbehaviours?|distrust|is no (?:text|JSON|URL|hex|object|number))\b/gi;

test("sources, documents and tests use plain, standard words", () => {
  expect(find([...PLACES, "tests"], WORDS)).toEqual([]);
});

function find(places: readonly string[], words: RegExp): string[] {
  return places
    .flatMap(files)
    .filter((file) => /\.(ts|mjs|cjs|md)$/.test(file) && !EXCEPT.includes(file))
    .flatMap((file) =>
      readFileSync(file, "utf8")
        .split("\n")
        .flatMap((line, index) => [...line.matchAll(words)].map(([word]) => `${file}:${index + 1}: ${word}`)),
    );
}

function files(place: string): string[] {
  if (/\.\w+$/.test(place)) return [place];
  return readdirSync(place, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/node_modules|\/(?:dist|artifacts|cache|cdk\.out)\//.test(file));
}
