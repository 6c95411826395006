import { invalidParams } from "./errors.ts";

/**
 * The value of a JSON text (RFC 8259) in which no object has a member twice: JSON.parse would keep the last one, and other
 * readers the first.
 *
 * @param name what the text is, for errors.
 * @throws ProviderRpcError -32602 for text that is not JSON, and for a member that occurs twice, which the error names.
 */
export function parseJson(text: string, name: string): unknown {
  const value = parse(text, name);
  refuseDuplicates(text, name);
  return value;
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidParams(`${name} is not JSON`);
  }
}

/** In text that JSON.parse accepts, the string before a colon is a member's name. */
function refuseDuplicates(text: string, name: string): void {
  const objects: Set<string>[] = [];
  let previous = "";
  for (const [token] of text.matchAll(/"(?:[^"\\]+|\\.)*"|[{}:]/g)) {
    if (token === "{") objects.push(new Set());
    else if (token === "}") objects.pop();
    else if (token === ":") {
      const member = JSON.parse(previous) as string;
      const members = objects.at(-1);
      if (members?.has(member)) throw invalidParams(`${name} has an object with the member ${previous} twice`);
      members?.add(member);
    }
    previous = token;
  }
}
