import { deepStrictEqual } from "node:assert";
import type { ApprovalRequest } from "../../../src/approvals/request.ts";
import { parseApprovalRequest, serializeApprovalRequest } from "../../../src/approvals/request.ts";
import { isRefusedFile } from "../support/is-refused-file.ts";
import { mutateJson } from "../support/json-mutation.ts";
import { mendTokens } from "../support/quorum-files.ts";
import { requests } from "../support/requests.ts";
import { bytesOf, jsonOf, textOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

/** The form of an approval request: what is accepted is what JSON.parse reads, and comes back from a round trip. */
export const target: FuzzTarget<ApprovalRequest> = {
  maxLength: 262_144,
  seeds: () => requests().map((request) => bytesOf(JSON.stringify(request))),
  decode: (input) => parseApprovalRequest(textOf(input)),
  allows: isRefusedFile,
  confirm(input, output) {
    deepStrictEqual(output, jsonOf(input));
    deepStrictEqual(parseApprovalRequest(serializeApprovalRequest(output)), output);
  },
  mutate: (input, random, other) => mutateJson(input, random, other, mendTokens),
};
