import { SignerError } from "../../core/errors.ts";
import type { Cryptoki, Handle, KeyPairHandles, LibraryInfo, SlotInfo, TokenInfo } from "../cryptoki.ts";
import { pkcs11Error } from "../errors.ts";

/** The calls that the parent asks the child to make. */
export type IsolatedMethod = Exclude<keyof Cryptoki, "isIsolated" | "isBusy" | "finalize" | "end">;

/** From the parent: an id, which the response repeats, the call, and its arguments by {@link encode}. */
export type Request = readonly [id: number, method: IsolatedMethod, args: readonly unknown[]];

/** From the child. */
export type Message =
  /** This function has not returned within `hangTimeout`, on a thread of its own. */
  | { readonly hung: string }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: LibraryError };

/** What the library, or loading it, failed with. The parent makes of it the SignerError that it would be there. */
export interface LibraryError {
  /** The function of PKCS#11, or {@link LOAD}. */
  readonly operation: string;
  readonly message: string;
  /** The return value. */
  readonly code?: number | undefined;
  /** Why the library could not be loaded. */
  readonly cause?: string | undefined;
}

export const LOAD = "load";

const MARKS = { text: "t", bytes: "x" };

/** As JSON: bytes are hex digits, marked as such, and undefined is null. */
export function encode(value: unknown): unknown {
  if (typeof value === "string") return MARKS.text + value;
  if (ArrayBuffer.isView(value))
    return MARKS.bytes + Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex");
  if (Array.isArray(value)) return value.map(encode);
  // "Without a limit", which JSON cannot say.
  if (value === Number.POSITIVE_INFINITY) return Number.MAX_SAFE_INTEGER;
  if (typeof value !== "object" || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, encode(member)]));
}

/** The reverse of {@link encode}, for what the parent sent. What the child sends is read by {@link RESULTS}. */
export function decode(value: unknown): unknown {
  if (typeof value === "string") return value.startsWith(MARKS.bytes) ? bytes(value) : text(value);
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== "object" || value === null) return value ?? undefined;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, decode(member)]));
}

/** Reads one type of value, and throws at every other: the child's memory is the library's. */
type Reader<T> = (value: unknown) => T;

/** What each call's result must be. */
export const RESULTS: { readonly [Method in IsolatedMethod]: Reader<Awaited<ReturnType<Cryptoki[Method]>>> } = {
  initialize: boolean,
  getInfo: object<LibraryInfo>({ description: text, manufacturer: text, version: text, cryptokiVersion: text }),
  getSlots: list(handle),
  getSlotInfo: object<SlotInfo>({ description: text, manufacturer: text, flags: integer }),
  getTokenInfo: object<TokenInfo>({
    ...{ label: text, manufacturer: text, model: text, serialNumber: text, flags: integer },
    ...{ sessions: optional(integer), maxSessions: optional(integer) },
  }),
  getMechanismFlags: optional(integer),
  openSession: handle,
  closeSession: nothing,
  getSessionState: integer,
  login: nothing,
  findObjects: list(handle),
  getAttributes: list(optional(bytes)),
  createObject: handle,
  destroyObject: nothing,
  generateKeyPair: object<KeyPairHandles>({ publicKey: handle, privateKey: handle }),
  unwrapKey: handle,
  sign: bytes,
};

const readError = object<LibraryError>({
  ...{ operation: string, message: string, code: optional(integer), cause: optional(string) },
});

/** @throws TypeError unless it is a {@link Message}. Its result is still to be read, by the call's own reader. */
export function readMessage(value: unknown): Message {
  const members = value as Record<string, unknown> | null;
  const names = typeof members === "object" && members !== null ? Object.keys(members).join() : "";
  if (names === "hung") return { hung: name(members?.["hung"]) };
  if (names === "id,result") return { id: integer(members?.["id"]), result: members?.["result"] };
  if (names === "id,error") return { id: integer(members?.["id"]), error: readError(members?.["error"]) };
  throw new TypeError("a message of no known kind");
}

/** The SignerError that the same failure would be in this process. */
export function toSignerError({ operation, message, code, cause }: LibraryError): SignerError {
  if (operation === LOAD) return new SignerError("DEPENDENCY_MISSING", message, { operation, cause: new Error(cause) });
  return pkcs11Error(Object.assign(new Error(message), code === undefined ? {} : { code }), { operation });
}

function refuse(wanted: string): never {
  throw new TypeError(`something else where ${wanted} belongs`);
}

function nothing(value: unknown): void {
  if (value !== null) refuse("nothing");
}

function boolean(value: unknown): boolean {
  return typeof value === "boolean" ? value : refuse("true or false");
}

function integer(value: unknown): number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : refuse("an integer");
}

function string(value: unknown): string {
  return typeof value === "string" ? value : refuse("a string");
}

function name(value: unknown): string {
  const given = string(value);
  return /^C_\w{1,40}$/.test(given) ? given : refuse("the name of a function");
}

function text(value: unknown): string {
  const given = string(value);
  return given.startsWith(MARKS.text) ? given.slice(1) : refuse("a text");
}

function bytes(value: unknown): Buffer {
  const given = string(value);
  return /^x(?:[0-9a-f]{2})*$/.test(given) ? Buffer.from(given.slice(1), "hex") : refuse("bytes");
}

/** A CK_ULONG of the machine. */
function handle(value: unknown): Handle {
  const given = bytes(value);
  return given.length === 8 || given.length === 4 ? given : refuse("a handle");
}

function optional<T>(read: Reader<T>): Reader<T | undefined> {
  return (value) => (value === null || value === undefined ? undefined : read(value));
}

function list<T>(read: Reader<T>): Reader<T[]> {
  return (value) => (Array.isArray(value) ? value.map(read) : refuse("a list"));
}

function object<T>(readers: { readonly [Name in keyof T]-?: Reader<T[Name]> }): Reader<T> {
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) refuse("an object");
    if (Object.keys(value).some((member) => !Object.hasOwn(readers, member))) refuse("one of its members");
    const read = Object.entries<Reader<unknown>>(readers).map(([member, reader]) => [
      member,
      reader(Reflect.get(value, member)),
    ]);
    return Object.fromEntries(read) as T;
  };
}
