import type { SignerErrorCode } from "../core/errors.ts";
import type { SignRequest } from "./sign-request.ts";

/** What every entry has. */
export interface AuditEntryBase {
  /** 16 random bytes, hex: the same in an intent and its outcome. */
  readonly id: string;
  /** When it happened: milliseconds since 1970, by this process's clock. */
  readonly time: number;
}

/** What an intent and a denial have: they say what was asked. */
export interface AuditRequestBase extends AuditEntryBase {
  /** The key's backend, for example `"aws-kms"`. */
  readonly backend: string;
  /** The vendor's identifier of the key. */
  readonly keyId: string;
  /** What was asked, whole. A sink decides what of it is kept: a message may be personal data. */
  readonly request: SignRequest;
  /** What the policy said; null without one. */
  readonly policy: AuditPolicy | null;
}

/** What the policy said. */
export interface AuditPolicy {
  /** The policy's id: SHA-256 of what it consists of, hex. */
  readonly id: string;
  /** `would-deny`: in shadow mode, and it is signed. */
  readonly outcome: "allow" | "deny" | "would-deny";
  /** The rule that decided; null if no rule did. */
  readonly rule: string | null;
  /** Why it is denied, or would be: sentences for people. */
  readonly reasons: readonly string[];
  /** Who approved. */
  readonly approvals: readonly {
    /** The rule that required it. */
    readonly rule: string;
    /** Who approved. */
    readonly by: string;
  }[];
  /** What is held of rolling limits: amounts in the limit's base unit. */
  readonly holds: readonly {
    /** The limit's rule. */
    readonly limit: string;
    /** In its base unit. */
    readonly amount: bigint;
  }[];
}

/** Stored before the key is asked. An intent without an outcome was perhaps signed. */
export interface AuditIntent extends AuditRequestBase {
  /** Tells the entries apart. */
  readonly event: "intent";
}

/** Stored instead of an intent: nothing was signed. */
export interface AuditDenial extends AuditRequestBase {
  /** Tells the entries apart. */
  readonly event: "denial";
  /** The code of the caller's error. */
  readonly code: SignerErrorCode;
}

/** Stored after the key responded. */
export interface AuditOutcome extends AuditEntryBase {
  /** Tells the entries apart. */
  readonly event: "outcome";
  /** `refused`: certainly nothing was signed. `unknown`: the call failed, and the key may have signed. */
  readonly result: "ok" | "refused" | "unknown";
  /** Why it failed; null if it did not, or not with a SignerError. */
  readonly code: SignerErrorCode | null;
  /** keccak-256 of the 65 bytes r, s, v with v 27 or 28: a signature itself could be spent. null if there is none. */
  readonly signatureHash: string | null;
  /** Of a signed transaction. */
  readonly transactionHash: string | null;
  /** How many requests the backend got, as far as its SDK says. */
  readonly attempts: number;
  /** The backend's identifiers of the requests that it responded to, which its own log has, too. */
  readonly requestIds: readonly string[];
  /** How long the key took. */
  readonly milliseconds: number;
}

/** What a sink is given. */
export type AuditEntry = AuditIntent | AuditDenial | AuditOutcome;

/**
 * Where a signer records what it signs. The signer appends the intent, waits, asks the key, appends the outcome, and waits again.
 *
 * An intent that cannot be appended is not signed: AUDIT_FAILED. An outcome that cannot be appended costs no signature that was made, but
 * signers of this process append no further intent to that sink and sign nothing more with it.
 */
export interface AuditSink {
  /** Resolves once the entry is stored as durably as the sink promises. Calls may overlap. */
  append(entry: AuditEntry): Promise<void>;
  /** The owner of the sink calls it; a signer never does. */
  close(): Promise<void>;
}
