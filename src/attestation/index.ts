export { GOOGLE_ROOTS, MARVELL_ROOTS } from "./roots.ts";
export { type VerifyAttestationOptions, verifyAttestation } from "./verify.ts";
