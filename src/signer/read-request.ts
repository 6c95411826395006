import {
  getAddress,
  getBigInt,
  getBytes,
  hashAuthorization,
  hashMessage,
  hexlify,
  keccak256,
  toUtf8String,
} from "ethers";
import { checksumAddress } from "./checksum.ts";
import type { SigningPayload } from "./payload.ts";
import type { SignRequest } from "./sign-request.ts";
import { readTransaction } from "./transaction-fields.ts";
import { readTypedData } from "./typed-data-request.ts";

/**
 * Reads what a digest was made of. Without a payload it is a bare digest; so it is with a payload of another digest, or one that cannot be
 * decoded or is not in its canonical form, and `problem` says so.
 */
export function readSignRequest(account: string, digest: Uint8Array, payload: SigningPayload | undefined): SignRequest {
  const base = { account, digest: hexlify(digest), time: Date.now() };
  const bare = (problem: string | null): SignRequest => Object.freeze({ ...base, kind: "digest", problem });
  if (payload === undefined) return bare(null);
  try {
    const { digest: computed, ...request } = decode(payload);
    if (computed !== base.digest) return bare(`the payload is a ${request.kind} of another digest, ${computed}`);
    return deepFreeze({ ...base, ...request } as SignRequest);
  } catch {
    return bare("the payload cannot be decoded");
  }
}

/**
 * What a signer would read from a payload, for tests and dry runs of a policy. A transaction's payload is
 * `{ type: "transaction", unsigned: Transaction.from(…).unsignedSerialized }`.
 *
 * @param account the address that would sign.
 * @throws an error for a payload that cannot be decoded, or is not in its canonical form.
 */
export function toSignRequest(account: string, payload: SigningPayload): SignRequest {
  return deepFreeze({ account: getAddress(account), time: Date.now(), ...decode(payload) } as SignRequest);
}

/** The digest is that of what was read, not of the payload: a payload that reads differently each time is of another digest. */
type Decoded = { readonly kind: SignRequest["kind"]; readonly digest: string };

function decode(payload: SigningPayload): Decoded {
  switch (payload.type) {
    case "transaction": {
      const unsigned = payload.unsigned.toLowerCase();
      return { kind: "transaction", digest: keccak256(unsigned), unsigned, ...readTransaction(unsigned) } as Decoded;
    }
    case "message": {
      const bytes = getBytes(payload.message);
      return { kind: "message", digest: hashMessage(bytes), message: hexlify(bytes), text: readText(bytes) } as Decoded;
    }
    case "typed-data":
      return readTypedData(payload);
    case "authorization": {
      const [chainId, nonce] = [getBigInt(payload.chainId), getBigInt(payload.nonce)];
      const address = checksumAddress(payload.address);
      const digest = hashAuthorization({ chainId, address, nonce });
      return { kind: "authorization", digest, chainId, delegate: address, nonce } as Decoded;
    }
  }
}

function readText(message: Uint8Array): string | null {
  try {
    return toUtf8String(message);
  } catch {
    return null;
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const each of Object.values(value)) if (typeof each === "object" && each !== null) deepFreeze(each);
  return Object.freeze(value);
}
