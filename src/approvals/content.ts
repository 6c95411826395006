import type { TypedDataField } from "ethers";
import { areTypesFew } from "../signer/type-graph.ts";
import type { DecodedTransaction } from "./decoded-transaction.ts";
import { readAddress, readArray, readDecimal, readHex, readObject, refuse, refuseOtherFields } from "./json.ts";

/** What an approval request says the digest was made of. Plain JSON: numbers of any size are decimal digits. */
export type RequestContent =
  | TransactionContent
  | MessageContent
  | TypedDataContent
  | AuthorizationContent
  /** Nothing is known but the digest. */
  | { readonly type: "digest" };

/** A transaction, and how it reads. */
export interface TransactionContent {
  /** Which kind of content this is. */
  readonly type: "transaction";
  /** The unsigned serialization, in lower-case hex: what is hashed. */
  readonly unsigned: string;
  /** The same for people. Verification makes it again, and refuses a request where it differs. */
  readonly decoded: DecodedTransaction;
}

/** A message of EIP-191. */
export interface MessageContent {
  /** EIP-191, version 0x45. */
  readonly type: "message";
  /** The bytes before the prefix, in lower-case hex. */
  readonly message: string;
  /** The same as text, where the bytes are UTF-8. Verification makes it again. */
  readonly text?: string;
}

/** Typed data of EIP-712. */
export interface TypedDataContent {
  /** EIP-712. */
  readonly type: "typed-data";
  /** Without absent fields; `chainId` in decimal digits. */
  readonly domain: Readonly<Record<string, string>>;
  /** Without `EIP712Domain`, which the domain's fields tell. */
  readonly types: Readonly<Record<string, readonly TypedDataField[]>>;
  /** The struct type of `message`. */
  readonly primaryType: string;
  /** Numbers in decimal digits, bytes in lower-case hex, addresses in lower case; no field that the types lack. */
  readonly message: Readonly<Record<string, unknown>>;
}

/** An authorization of EIP-7702. */
export interface AuthorizationContent {
  /** EIP-7702. */
  readonly type: "authorization";
  /** In decimal digits; `"0"` holds on every chain. */
  readonly chainId: string;
  /** The contract whose code the account is to run; the zero address ends a delegation. */
  readonly address: string;
  /** In decimal digits. */
  readonly nonce: string;
}

/** The longest name of a type or field that typed data may have. */
const MAX_NAME = 256;
/** EIP-712, "Definition of typed structured data": anything else could make one digest of two meanings. */
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const TYPE = /^[A-Za-z_$][\w$]*(\[\d*\])*$/;
/** Names that readers take for elementary types. */
const ELEMENTARY = /^(address|bool|string|u?int\d*|bytes\d*)$/;

/** Checks the form of a request's content. Whether its parts belong together is not seen here. */
export function readContent(value: unknown, what: string): RequestContent {
  const content = readObject(value, what);
  const only = (...fields: string[]) => refuseOtherFields(content, ["type", ...fields], what);
  const { type } = content;
  switch (type) {
    case "transaction":
      only("unsigned", "decoded");
      return {
        type,
        unsigned: readHex(content["unsigned"], `${what}.unsigned`),
        // Never read, only compared with what the serialization says.
        decoded: readObject(content["decoded"], `${what}.decoded`) as unknown as DecodedTransaction,
      };
    case "message": {
      only("message", "text");
      const { text } = content;
      if (text !== undefined && typeof text !== "string") refuse(`${what}.text must be a string`);
      return { type, message: readHex(content["message"], `${what}.message`), ...(text === undefined ? {} : { text }) };
    }
    case "typed-data": {
      only("domain", "types", "primaryType", "message");
      const domain = readObject(content["domain"], `${what}.domain`);
      if (!Object.values(domain).every(isText)) refuse(`${what}.domain must have text in each field`);
      return {
        type,
        domain: domain as Record<string, string>,
        types: readTypes(content["types"], `${what}.types`),
        primaryType: readName(content["primaryType"], `${what}.primaryType`),
        message: readObject(content["message"], `${what}.message`),
      };
    }
    case "authorization":
      only("chainId", "address", "nonce");
      return {
        type,
        chainId: readDecimal(content["chainId"], `${what}.chainId`),
        address: readAddress(content["address"], `${what}.address`),
        nonce: readDecimal(content["nonce"], `${what}.nonce`),
      };
    case "digest":
      only();
      return { type };
    default:
      refuse(`${what}.type is none that this version knows`);
  }
}

function readTypes(value: unknown, what: string): Record<string, TypedDataField[]> {
  const entries = Object.entries(readObject(value, what));
  const types = Object.fromEntries(
    entries.map(([typeName, fields]) => {
      const where = `${what}.${typeName.slice(0, MAX_NAME)}`;
      if (ELEMENTARY.test(typeName)) refuse(`${what} must not define an elementary type`);
      return [readName(typeName, what), readArray(fields, where).map((field) => readField(field, where))];
    }),
  );
  if (!areTypesFew(types)) refuse(`${what} refer to each other in too many ways, or in a circle`);
  return types;
}

function readField(value: unknown, what: string): TypedDataField {
  const field = readObject(value, what);
  refuseOtherFields(field, ["name", "type"], what);
  return { name: readName(field["name"], `${what}: name`), type: readName(field["type"], `${what}: type`, TYPE) };
}

function readName(value: unknown, what: string, form: RegExp = IDENTIFIER): string {
  if (!isText(value) || value.length > MAX_NAME || !form.test(value)) {
    refuse(`${what} must be an identifier of EIP-712: letters, digits, _ and $, 256 at most`);
  }
  return value;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
