import {
  getAddress,
  getBytes,
  hashAuthorization,
  hashMessage,
  hexlify,
  keccak256,
  TypedDataEncoder,
  type TypedDataField,
} from "ethers";
import type { SigningPayload } from "../signer/payload.ts";
import type { RequestContent, TypedDataContent } from "./content.ts";
import { decodeTransaction } from "./decoded-transaction.ts";
import { mark } from "./display.ts";
import { refuse } from "./json.ts";

/** A chain in decimal digits; `"every"` where any chain takes the signature; undefined where the content names none. */
export type ContentChain = string | "every" | undefined;

/** Content in its one canonical form, and what follows from it. */
export interface KnownContent {
  readonly content: RequestContent;
  /** Lower-case hex; undefined for a bare digest. */
  readonly digest: string | undefined;
  readonly chain: ContentChain;
}

type TypedData = Omit<Extract<SigningPayload, { type: "typed-data" }>, "type">;

/** What a signer says of a digest, as an approval request has it. */
export function fromSigningPayload(content: SigningPayload | { readonly type: "digest" }): KnownContent {
  return guarded(() => {
    switch (content.type) {
      case "transaction":
        return transaction(hexlify(content.unsigned));
      case "message":
        return message(content.message);
      case "typed-data":
        return typedData(content);
      case "authorization":
        return authorization(`${content.chainId}`, content.address, `${content.nonce}`);
      case "digest":
        return { content: { type: "digest" }, digest: undefined, chain: undefined };
      default:
        refuse("content: type is none that this version knows");
    }
  });
}

/** Makes everything that follows from the source of `content` again: nothing that it says about itself is believed. */
export function recompute(content: RequestContent): KnownContent {
  return guarded(() => {
    switch (content.type) {
      case "transaction":
        return transaction(content.unsigned);
      case "message":
        return message(getBytes(content.message));
      case "typed-data":
        return typedData(fromTypedDataContent(content));
      case "authorization":
        return authorization(content.chainId, content.address, content.nonce);
      case "digest":
        return { content, digest: undefined, chain: undefined };
    }
  });
}

function transaction(unsigned: string): KnownContent {
  const decoded = decodeTransaction(unsigned);
  return {
    content: { type: "transaction", unsigned, decoded },
    digest: keccak256(unsigned),
    chain: decoded.chainId ?? "every",
  };
}

function message(bytes: Uint8Array): KnownContent {
  const text = decodeUtf8(bytes);
  return {
    content: { type: "message", message: hexlify(bytes), ...(text === undefined ? {} : { text }) },
    digest: hashMessage(bytes),
    chain: undefined,
  };
}

function typedData(data: TypedData): KnownContent {
  const content = typedDataContent(data);
  return { content, digest: typedDataDigest(content), chain: content.domain["chainId"] };
}

function authorization(chainId: string, delegate: string, nonce: string): KnownContent {
  const address = getAddress(delegate);
  return {
    content: { type: "authorization", chainId, address, nonce },
    digest: hashAuthorization({ chainId: BigInt(chainId), address, nonce: BigInt(nonce) }),
    chain: chainId === "0" ? "every" : chainId,
  };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    // ignoreBOM keeps the mark, which is a part of what is signed.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Whatever ethers says of content that fits nothing becomes one error without the content in it. */
function guarded(make: () => KnownContent): KnownContent {
  try {
    return make();
  } catch (error) {
    const { shortMessage } = error as { shortMessage?: string };
    const fault = (shortMessage ?? "it does not fit its type").replace(/^content: /, "").slice(0, 200);
    // Some of ethers' messages quote the content.
    refuse(`content: ${mark(fault)}`);
  }
}

/**
 * The canonical JSON of typed data: the same for any notation of the same values.
 *
 * @throws whatever ethers throws for data that does not fit its types.
 */
function typedDataContent({ domain, types, value }: TypedData): TypedDataContent {
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
function typedDataDigest({ domain, types, message }: TypedDataContent): string {
  return TypedDataEncoder.hash(domain, copyTypes(types), message);
}

function fromTypedDataContent({ domain, types, message }: TypedDataContent): TypedData {
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
