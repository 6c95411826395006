import { assertArgument } from "ethers";

const DEFAULT_CONCURRENCY = 10;
// As many connections as AWS's SDK opens.
const MAX_CONCURRENCY = 50;

/** @throws ethers' INVALID_ARGUMENT. */
export function checkConcurrency(concurrency = DEFAULT_CONCURRENCY): number {
  assertArgument(
    Number.isSafeInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY,
    `concurrency must be an integer from 1 to ${MAX_CONCURRENCY}`,
    "concurrency",
    concurrency,
  );
  return concurrency;
}

/** A copy of the tags. @throws ethers' INVALID_ARGUMENT if one is not a string. */
export function checkTags(tags: Readonly<Record<string, string>> = {}): Record<string, string> {
  assertArgument(
    typeof tags === "object" &&
      tags !== null &&
      !Array.isArray(tags) &&
      Object.values(tags).every((value) => typeof value === "string"),
    "tags must be an object of strings, for example { team: 'payments' }",
    "tags",
    tags,
  );
  return { ...tags };
}

/** The tags of a new key: its own and the store's. @throws ethers' INVALID_ARGUMENT if they contradict each other. */
export function checkNewTags(
  tags: Readonly<Record<string, string>> | undefined,
  storeTags: Readonly<Record<string, string>>,
): Record<string, string> {
  const own = checkTags(tags);
  for (const [name, value] of Object.entries(storeTags)) {
    const agrees = own[name] === undefined || own[name] === value;
    assertArgument(
      agrees,
      `the tag ${name} must be the store's, ${value}: the store would not list the key`,
      "tags",
      tags,
    );
  }
  return { ...own, ...storeTags };
}

/** @throws ethers' INVALID_ARGUMENT unless a new key's name begins with the store's prefix; `fold` says how the service compares names. */
export function checkNewName(name: string | undefined, namePrefix = "", fold = (text: string) => text): void {
  assertArgument(
    fold(name ?? "").startsWith(fold(namePrefix)),
    `name must begin with the store's namePrefix, ${namePrefix}: the store would not list the key`,
    "name",
    name,
  );
}

/** @throws ethers' INVALID_ARGUMENT if a client of the caller's comes with options that configure one. */
export function checkOnlyClient(client: unknown, options: object): void {
  const given = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  assertArgument(
    client === undefined || given.length === 0,
    `client brings its own configuration: pass either client or ${given.join(", ")}`,
    "client",
    "[REDACTED]",
  );
}

/** Whether it is a string without white space, control and format characters, which no identifier of a vendor has. */
export function isIdentifier(value: unknown): value is string {
  return typeof value === "string" && /^[^\s\p{Cc}\p{Cf}]+$/u.test(value);
}

/**
 * An identifier or a secret that goes into a header or a URL: a line break from a file would end it there.
 *
 * @throws ethers' INVALID_ARGUMENT, which does not show it.
 */
export function checkHeaderText(value: unknown, name: string): void {
  assertArgument(
    value === undefined || isIdentifier(value),
    `${name} must be a string without white space; trim what was read from a file`,
    name,
    "[REDACTED]",
  );
}
