import { parseJson } from "../json.ts";
import type { KnowledgeOptions } from "../knowledge.ts";

/** Four times what a request may have, in bytes. */
const MAX_BYTES = 4_194_304;

/** @throws an Error for a file that is too large to be a request, a key or one of the approver's files: reading it would stop the page. */
export async function readFile(file: File): Promise<string> {
  if (file.size > MAX_BYTES) throw new Error(`${file.name} has more than 4 MiB: nothing was read.`);
  return file.text();
}

/** The approver's own files by what they hold: a descriptor has a `context`, an ABI is a list, an address book is anything else. */
export async function readKnowledge(files: readonly File[]): Promise<KnowledgeOptions> {
  const descriptors: unknown[] = [];
  const abis: Record<string, never> = {};
  let addressBook: Record<string, string> | undefined;
  for (const file of files) {
    const json = parse(await readFile(file), file.name);
    if (Array.isArray(json) || "abi" in json) {
      const [address] = /0x[\da-f]{40}/i.exec(file.name) ?? [];
      if (address === undefined) throw new Error(`${file.name} is an ABI: name the file after the contract's address.`);
      abis[address] = json as never;
    } else if ("context" in json) descriptors.push(json);
    else addressBook = { ...addressBook, ...(json as Record<string, string>) };
  }
  return { descriptors, abis, addressBook };
}

function parse(text: string, name: string): object {
  const json = parseJson(text, name);
  if (typeof json !== "object" || json === null) throw new Error(`${name} is not an object or a list.`);
  return json;
}
