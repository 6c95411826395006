import { TypedDataEncoder, type TypedDataField } from "ethers";
import type { SigningPayload } from "../../signer/payload.ts";
import type { TypedDataContent } from "./request-content.ts";

type TypedData = Omit<Extract<SigningPayload, { type: "typed-data" }>, "type">;

/**
 * The canonical JSON of typed data: the same for any notation of the same values.
 *
 * @throws whatever ethers throws for data that does not fit its types.
 */
export function typedDataContent({ domain, types, value }: TypedData): TypedDataContent {
  const payload = TypedDataEncoder.getPayload(domain, types, value) as Payload;
  const { chainId, ...others } = payload.domain;
  return {
    type: "typed-data",
    domain: { ...others, ...(chainId === undefined ? {} : { chainId: `${BigInt(chainId)}` }) },
    types: Object.fromEntries(
      Object.entries(types).map(([name, fields]) => [name, fields.map(({ name, type }) => ({ name, type }))]),
    ),
    primaryType: payload.primaryType,
    message: payload.message,
  };
}

/** EIP-712's digest of typed data in its canonical JSON. */
export function typedDataDigest({ domain, types, message }: TypedDataContent): string {
  return TypedDataEncoder.hash(domain, copyTypes(types), message);
}

export function fromTypedDataContent({ domain, types, message }: TypedDataContent): TypedData {
  return { domain, types: copyTypes(types), value: message };
}

// ethers' types take lists that may be written to.
function copyTypes(types: TypedDataContent["types"]): Record<string, TypedDataField[]> {
  return Object.fromEntries(Object.entries(types).map(([name, fields]) => [name, [...fields]]));
}

/** What ethers makes of typed data for `eth_signTypedData_v4`. */
interface Payload {
  readonly domain: Readonly<Record<string, string>> & { readonly chainId?: string | number };
  readonly primaryType: string;
  readonly message: Readonly<Record<string, unknown>>;
}
