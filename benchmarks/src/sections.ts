import type { Section } from "./section.ts";
import { coldStart } from "./sections/cold-start.ts";
import { deadlines } from "./sections/deadlines.ts";
import { discovery } from "./sections/discovery.ts";
import { keyVault } from "./sections/key-vault.ts";
import { kms } from "./sections/kms.ts";
import { memory } from "./sections/memory.ts";
import { nonces } from "./sections/nonces.ts";
import { pkcs11 } from "./sections/pkcs11.ts";
import { policy } from "./sections/policy.ts";
import { publishedSigners } from "./sections/published-signers.ts";
import { signing } from "./sections/signing.ts";
import { size } from "./sections/size.ts";
import { verification } from "./sections/verification.ts";
import { watching } from "./sections/watching.ts";

const SECTIONS: readonly Section[] = [
  verification,
  signing,
  policy,
  publishedSigners,
  kms,
  keyVault,
  pkcs11,
  deadlines,
  watching,
  nonces,
  discovery,
  coldStart,
  size,
  memory,
];

/** All in their order, or those of these names. */
export function chosenSections(names: readonly string[]): readonly Section[] {
  const unknown = names.find((name) => !SECTIONS.some((section) => section.name === name));
  if (unknown !== undefined) {
    throw new Error(`there is no section ${unknown}; there are ${SECTIONS.map(({ name }) => name).join(", ")}`);
  }
  return SECTIONS.filter(({ name }) => names.length === 0 || names.includes(name));
}
