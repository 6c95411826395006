import { deepStrictEqual } from "node:assert";
import {
  parseRegistrationTokenFile,
  type RegistrationTokenFile,
  serializeRegistrationTokenFile,
} from "../../../src/cloudhsm/quorum/registration.ts";
import { isRefusedFile } from "../support/is-refused-file.ts";
import { mutateJson } from "../support/json-mutation.ts";
import { mendTokens, registrationFile } from "../support/quorum-files.ts";
import { bytesOf, jsonOf, textOf } from "../support/text.ts";
import type { FuzzTarget } from "../target.ts";

/** A registration token file of the CloudHSM CLI: what is accepted is what JSON.parse reads, and comes back from a round trip. */
export const target: FuzzTarget<RegistrationTokenFile> = {
  maxLength: 65536,
  seeds: () => [registrationFile()].map((file) => bytesOf(JSON.stringify(file, null, 2))),
  decode: (input) => parseRegistrationTokenFile(textOf(input)),
  allows: isRefusedFile,
  confirm(input, output) {
    deepStrictEqual(output, jsonOf(input));
    deepStrictEqual(parseRegistrationTokenFile(serializeRegistrationTokenFile(output)), output);
  },
  mutate: (input, random, other) => mutateJson(input, random, other, mendTokens),
};
