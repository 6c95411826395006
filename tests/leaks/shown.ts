import { format, inspect } from "node:util";
import { everythingShown } from "../support/everything-shown.ts";

/** Everything that can be made of a value and of what it refers to: causes, lists of errors, own properties, hidden or not. */
export function allShown(value: unknown): string {
  const met = new Set<unknown>();
  const shown: string[] = [];
  const visit = (each: unknown): void => {
    if (met.has(each)) return;
    met.add(each);
    shown.push(
      text(() => everythingShown(each)),
      text(() => format("%s", each)),
      text(() => String(each)),
    );
    if (typeof each !== "object" || each === null) return;
    for (const key of Reflect.ownKeys(each)) {
      const own = Reflect.get(each, key);
      shown.push(
        inspect(key),
        text(() => inspect(own, { depth: 20, showHidden: true })),
      );
      if (["cause", "errors", "info", "data", "error", "stack", "message"].includes(String(key))) visit(own);
    }
    if (Array.isArray(each)) each.forEach(visit);
  };
  visit(value);
  return shown.join("\n");
}

function text(make: () => string): string {
  try {
    return make();
  } catch (error) {
    // JSON knows no bigint.
    return String(error);
  }
}
