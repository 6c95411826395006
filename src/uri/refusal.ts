import { assertArgument } from "ethers";

/**
 * Throws ethers' INVALID_ARGUMENT `uri` unless `condition` holds. A key's URI can have a PIN in it, where it should not be: so
 * neither message nor error shows the URI. Messages name the attribute, and the place of what is wrong, from 1.
 */
export function requireUri(condition: unknown, message: string): asserts condition {
  assertArgument(condition, `the key's URI is wrong: ${message}`, "uri", "[REDACTED]");
}
