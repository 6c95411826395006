import { secp256k1 } from "@noble/curves/secp256k1.js";
import fc from "fast-check";
import { isSignerError } from "../../../src/core/errors.ts";
import type { RawSignature } from "../../../src/core/signature.ts";
import { signatureFromDer } from "../../../src/core/signature.ts";
import { Random } from "../random.ts";
import { ENCODINGS, type Mutated, mutateSignature } from "./mutations.ts";
import { parseByOpenSsl, verifiesAs, verifiesOriginal } from "./openssl.ts";
import { type SignedMessage, signedMessages } from "./signatures.ts";

/** What came of one kind of mutation. */
interface Counts {
  cases: number;
  accepted: number;
  /** Refused here, accepted there. */
  onlyNoble: number;
  onlyOpenSsl: number;
}

export interface Comparison {
  readonly kinds: ReadonlyMap<string, Counts>;
  /** Accepted signatures whose numbers OpenSSL's parser read alike: all of them. */
  readonly parsed: number;
  /** Of those, how many OpenSSL verified by the key that only these numbers have. */
  readonly verified: number;
  /** What is wrong: bytes that were accepted here and not there, or read otherwise. */
  readonly disagreements: readonly string[];
}

interface Options {
  readonly cases: number;
  readonly seed: number;
  /** One accepted signature in so many is verified by its recovered key. */
  readonly verifyOneIn: number;
}

const SIGNATURES = 64;
const BATCH = 2_000;
/** Verifications take most of the time. Of changed bytes hardly any keep the numbers: a part of them is enough. */
const CHECK_REFUSED_ONE_IN = 20;

/**
 * The strict decoder beside @noble/curves' and OpenSSL's, on mutations of valid signatures: what is accepted here must be accepted
 * there, as the same numbers. What they accept beyond is counted.
 */
export function compare({ cases, seed, verifyOneIn }: Options): Comparison {
  const originals = signedMessages(SIGNATURES);
  const kinds = new Map<string, Counts>();
  const disagreements: string[] = [];
  const waiting: { readonly der: Uint8Array; readonly ours: RawSignature }[] = [];
  let [parsed, verified] = [0, 0];

  const disagree = (der: Uint8Array, what: string) =>
    disagreements.push(`${Buffer.from(der).toString("hex")}: ${what}`);
  const parseWaiting = () => {
    for (const [index, theirs] of parseByOpenSsl(waiting.map(({ der }) => der)).entries()) {
      const { der, ours } = waiting[index] as (typeof waiting)[number];
      if (same(ours, theirs)) parsed++;
      else disagree(der, "OpenSSL's parser reads other numbers");
    }
    waiting.length = 0;
  };

  const compareOne = (random: Random) => {
    const original = random.pick(originals) as SignedMessage;
    const mutated = mutateSignature(original, random);
    const { kind, der } = mutated;
    const counts = kinds.get(kind) ?? { cases: 0, accepted: 0, onlyNoble: 0, onlyOpenSsl: 0 };
    kinds.set(kind, counts);
    counts.cases++;
    const ours = attempt(() => signatureFromDer(der));
    const theirs = attemptAny(() => secp256k1.Signature.fromBytes(der, "der"));
    if (!ours) {
      if (theirs) counts.onlyNoble++;
      if (isWorthVerifying(mutated, random) && verifiesOriginal(der, original)) counts.onlyOpenSsl++;
      return;
    }
    counts.accepted++;
    if (!theirs) disagree(der, "@noble/curves refuses it");
    else if (!same(ours, theirs)) disagree(der, "@noble/curves reads other numbers");
    if (random.oneIn(verifyOneIn)) {
      const verdict = verifiesAs(der, ours, original.message);
      if (verdict === false) disagree(der, "OpenSSL does not verify it");
      if (verdict) verified++;
    }
    if (waiting.push({ der, ours }) === BATCH) parseWaiting();
  };
  fc.assert(
    fc.property(fc.gen(), (value) => compareOne(new Random(value))),
    { numRuns: cases, seed, endOnFailure: true },
  );
  if (waiting.length > 0) parseWaiting();
  return { kinds, parsed, verified, disagreements };
}

function isWorthVerifying({ kind }: Mutated, random: Random): boolean {
  return kind in ENCODINGS || random.oneIn(CHECK_REFUSED_ONE_IN);
}

function same(a: RawSignature, b: RawSignature): boolean {
  return a.r === b.r && a.s === b.s;
}

/** Undefined where the decoder refuses; its other errors are not caught. */
function attempt(decode: () => RawSignature): RawSignature | undefined {
  try {
    return decode();
  } catch (error) {
    if (isSignerError(error, "BACKEND_RESPONSE_INVALID")) return undefined;
    throw error;
  }
}

function attemptAny(decode: () => RawSignature): RawSignature | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}
