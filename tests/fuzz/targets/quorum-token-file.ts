import { deepStrictEqual } from "node:assert";
import {
  parseQuorumTokenFile,
  type QuorumTokenFile,
  serializeQuorumTokenFile,
} from "../../../src/approvals/token-file.ts";
import { isRefusedFile } from "../support/is-refused-file.ts";
import { mutateJson } from "../support/json-mutation.ts";
import { APPROVALS, mendTokens, tokenFile } from "../support/quorum-files.ts";
import { bytesOf, jsonOf, textOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

/** A token file of the CloudHSM CLI: what is accepted is what JSON.parse reads, and comes back from a round trip. */
export const target: FuzzTarget<QuorumTokenFile> = {
  maxLength: 65536,
  seeds: () =>
    [tokenFile(), { ...tokenFile(), signatures: APPROVALS, more: [1.5, null, { deep: true }] }].map((file) =>
      bytesOf(JSON.stringify(file, null, 2)),
    ),
  decode: (input) => parseQuorumTokenFile(textOf(input)),
  allows: isRefusedFile,
  confirm(input, output) {
    deepStrictEqual(output, jsonOf(input));
    deepStrictEqual(parseQuorumTokenFile(serializeQuorumTokenFile(output)), output);
  },
  mutate: (input, random, other) => mutateJson(input, random, other, mendTokens),
};
