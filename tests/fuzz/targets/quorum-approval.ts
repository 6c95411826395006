import { deepStrictEqual } from "node:assert";
import { parseQuorumApproval, type QuorumApproval, serializeQuorumApproval } from "../../../src/approvals/approval.ts";
import { isRefusedFile } from "../support/is-refused-file.ts";
import { mutateJson } from "../support/json-mutation.ts";
import { APPROVALS, mendTokens } from "../support/quorum-files.ts";
import { bytesOf, jsonOf, textOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

/** One approval: what is accepted is what JSON.parse reads, and comes back from a round trip. */
export const target: FuzzTarget<QuorumApproval> = {
  maxLength: 16384,
  seeds: () => [...APPROVALS].map((file) => bytesOf(JSON.stringify(file, null, 2))),
  decode: (input) => parseQuorumApproval(textOf(input)),
  allows: isRefusedFile,
  confirm(input, output) {
    deepStrictEqual(output, jsonOf(input));
    deepStrictEqual(parseQuorumApproval(serializeQuorumApproval(output)), output);
  },
  mutate: (input, random, other) => mutateJson(input, random, other, mendTokens),
};
