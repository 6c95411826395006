import { format, inspect } from "node:util";

/** Everything that a log could make of a value: inspection to any depth, hidden properties and getters, JSON, text. */
export function everythingShown(value: unknown): string {
  const options = {
    depth: Number.POSITIVE_INFINITY,
    showHidden: true,
    getters: true,
    maxStringLength: null,
    maxArrayLength: null,
  };
  const own = typeof value === "object" && value !== null ? JSON.stringify({ ...value }) : "";
  return [
    inspect(value, options),
    inspect({ value }, options),
    JSON.stringify(value),
    own,
    format("%o %O %j %s", value, value, value, value),
  ].join("\n");
}
