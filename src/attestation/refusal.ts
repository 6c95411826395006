import type { AttestationStep } from "../signer/custody.ts";

/** Why an attestation is refused. It never leaves `verifyAttestation`. */
export class Refusal extends Error {
  readonly step: AttestationStep;

  constructor(step: AttestationStep, reason: string) {
    super(reason);
    this.step = step;
  }
}

export function requireThat(condition: unknown, step: AttestationStep, reason: string): asserts condition {
  if (!condition) throw new Refusal(step, reason);
}
