import { deepStrictEqual, ok } from "node:assert";
import { formatKeyUrl, type KeyUrl, parseKeyUrl } from "../../../src/azure-key-vault/key-url.ts";
import { readResponse, type ServiceResponse } from "../../../src/azure-key-vault/response.ts";
import { mutateJson } from "../support/json-mutation.ts";
import { bytesOf, jsonOf, textOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

const KID = "https://treasury.vault.azure.net/keys/hot/0123456789abcdef0123456789abcdef";
const BODIES = [
  { kid: KID, value: "AAAA" },
  { error: { code: "Forbidden", message: "no", innererror: { code: "ForbiddenByPolicy" } } },
  { kid: "https://localhost:8443/keys/hot/" },
];

interface Read {
  readonly response: ServiceResponse;
  readonly url: KeyUrl | undefined;
}

/** The body of an answer, of any status, and the key's URL in it: read, or left out, and never an error. */
export const target: FuzzTarget<Read> = {
  maxLength: 65_536,
  seeds: () => [...BODIES.map((body) => bytesOf(JSON.stringify(body))), bytesOf("<html>502</html>"), bytesOf("")],
  decode(input) {
    const response = readResponse({ status: 403, headers: { get: () => undefined }, bodyAsText: textOf(input) });
    return { response, url: parseKeyUrl(response.kid) };
  },
  allows: () => false,
  confirm(input, { response, url }) {
    const { code, innerCode, message } = response.error;
    for (const text of [code, innerCode, message]) ok(text === undefined || typeof text === "string");
    deepStrictEqual(response.kid, (jsonOf(input) as { kid?: unknown } | null | undefined)?.kid);
    if (url) deepStrictEqual(parseKeyUrl(formatKeyUrl(url)), url);
  },
  mutate: (input, random, other) => mutateJson(input, random, other),
};
