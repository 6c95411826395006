import { concat, getBigInt, hexlify, id, keccak256, type TypedDataDomain, TypedDataEncoder } from "ethers";
import { checksumAddress } from "./checksum.ts";
import type { SigningPayload } from "./payload.ts";
import { Recent } from "./recent.ts";
import type { TypedDataSignRequest, TypedDataValue } from "./sign-request.ts";
import { areTypesFew } from "./type-graph.ts";

type TypedDataPayload = Extract<SigningPayload, { type: "typed-data" }>;

/** Half of EIP-712's hashing is that of types and domains, of which an application has few. */
const knownTypes = new Recent<{ encoder: TypedDataEncoder; encodedType: string; typeHash: string }>(100);
const domainSeparators = new Recent<string>(100);

/** Reads typed data, and computes the digest of what it read. @throws an error for what EIP-712 cannot encode. */
export function readTypedData(payload: TypedDataPayload): Omit<TypedDataSignRequest, "account" | "time"> {
  const { encoder, encodedType, typeHash } = readTypes(payload.types);
  const domain = readDomain(payload.domain);
  const value = encoder.visit(payload.value, readValue);
  const digest = keccak256(concat(["0x1901", hashDomain(domain), encoder.hash(value)]));
  return { kind: "typed-data", digest, domain, primaryType: encoder.primaryType, encodedType, typeHash, value };
}

function readTypes(types: TypedDataPayload["types"]) {
  const text = JSON.stringify(types);
  return knownTypes.get(text, () => {
    const own = JSON.parse(text) as typeof types;
    if (!areTypesFew(own)) throw new Error("its types refer to each other in too many ways");
    const encoder = TypedDataEncoder.from(own);
    const encodedType = encoder.encodeType(encoder.primaryType);
    return { encoder, encodedType, typeHash: id(encodedType) };
  });
}

function readDomain({ name, version, chainId, verifyingContract, salt }: TypedDataDomain) {
  return {
    name: name ?? null,
    version: version ?? null,
    chainId: chainId == null ? null : getBigInt(chainId),
    verifyingContract: verifyingContract == null ? null : checksumAddress(verifyingContract),
    salt: salt == null ? null : hexlify(salt),
  };
}

function hashDomain({ chainId, ...rest }: TypedDataSignRequest["domain"]): string {
  return domainSeparators.get(JSON.stringify([`${chainId}`, rest]), () =>
    TypedDataEncoder.hashDomain({ chainId, ...rest }),
  );
}

/** A leaf of typed data, in one notation. */
function readValue(type: string, value: unknown): TypedDataValue {
  if (/^u?int/.test(type)) return getBigInt(value as bigint);
  if (type === "address") return checksumAddress(value as string);
  if (type.startsWith("bytes")) return hexlify(value as string);
  return type === "bool" ? Boolean(value) : String(value);
}
