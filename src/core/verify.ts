import { secp256k1 } from "@noble/curves/secp256k1.js";
import { toBigInt } from "ethers";
import { invalidResponse } from "./errors.ts";
import type { RawSignature } from "./signature.ts";

/**
 * Verifies an ECDSA signature over secp256k1, synchronously.
 *
 * @param publicKey 65 bytes, SEC1 uncompressed, on the curve: for one account the same object at each call.
 * @param digest 32 bytes: what was signed, not its pre-image.
 * @param signature r in 1..n-1, s in 1..n/2.
 * @returns the yParity (EIP-2718) of a signature by this key over this digest; undefined for any other signature.
 */
export type Verifier = (publicKey: Uint8Array, digest: Uint8Array, signature: RawSignature) => 0 | 1 | undefined;

const { Point } = secp256k1;

/** A public key's point, and its verifications since it has been without a table of multiples. */
interface KnownKey {
  point: InstanceType<typeof Point>;
  uses: number;
  hasTable: boolean;
}

const knownKeys = new WeakMap<Uint8Array, KnownKey>();

/**
 * Verifies by @noble/curves: R = u1·G + u2·Q with u1 = z/s and u2 = r/s (SEC 1 v2, section 4.1.4). The signature is valid if R's x is
 * r modulo n; the yParity is the parity of R's y. It runs in variable time, on public values only.
 *
 * @throws SignerError BACKEND_RESPONSE_INVALID if R's x is ≥ n: Ethereum has no recovery ids 2 and 3.
 */
export const verifySignature: Verifier = (publicKey, digest, { r, s }) => {
  const key = knownKeys.get(publicKey) ?? { point: Point.fromBytes(publicKey), uses: 0, hasTable: false };
  knownKeys.set(publicKey, key);
  const inverse = Point.Fn.inv(s);
  const u1 = Point.Fn.mul(Point.Fn.create(toBigInt(digest)), inverse);
  const u2 = Point.Fn.mul(r, inverse);
  const sum = key.hasTable
    ? Point.BASE.multiplyUnsafe(u1).add(key.point.multiplyUnsafe(u2))
    : Point.BASE.mulAddUnsafe(u1, key.point, u2);
  if (!key.hasTable && ++key.uses > USES_BEFORE_TABLE) scheduleTable(key);
  if (sum.is0()) return undefined;
  const { x, y } = sum.toAffine();
  if (x === r + Point.Fn.ORDER) {
    throw invalidResponse("the signature's R has x >= n (recovery id 2 or 3): not expressible in Ethereum; sign again");
  }
  if (x !== r) return undefined;
  return y & 1n ? 1 : 0;
};

// A table costs what it saves in some 20 verifications, and 400 kB. Beyond 100 tables the oldest is dropped and must be earned again.
const USES_BEFORE_TABLE = 32;
const MAX_TABLES = 100;

const withTable: WeakRef<KnownKey>[] = [];
let generatorHasTable = false;
let timer: ReturnType<typeof setTimeout> | undefined;

/** One table at a time, in a turn of the event loop of its own; at once if the caller lets the loop have none. */
function scheduleTable(key: KnownKey): void {
  if (key.uses > 4 * USES_BEFORE_TABLE) buildTable(key);
  else timer ??= setTimeout(() => buildTable(key));
}

/** The generator's table comes first. Each takes 10 to 20 ms. */
function buildTable(key: KnownKey): void {
  clearTimeout(timer);
  timer = undefined;
  const point = generatorHasTable ? key.point.precompute(7) : Point.BASE;
  // noble builds the table at the first multiplication.
  point.multiplyUnsafe(3n);
  key.hasTable = generatorHasTable;
  key.uses = USES_BEFORE_TABLE;
  generatorHasTable = true;
  if (!key.hasTable) return;
  withTable.push(new WeakRef(key));
  const oldest = withTable.length > MAX_TABLES ? withTable.shift()?.deref() : undefined;
  if (oldest) Object.assign(oldest, { point: Point.fromAffine(oldest.point.toAffine()), uses: 0, hasTable: false });
}
