/** How many cases a test makes: all of them in `npm run test:all`, and in `npm test` as few as still show the rule. */
export function cases(all: number, few: number): number {
  return "FEW_CASES" in globalThis ? few : all;
}
