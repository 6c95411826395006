import { assertArgument, Fragment, FunctionFragment, getAddress, Interface, TypedDataEncoder } from "ethers";
import type { FieldFormat, Format } from "./format.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** A token as its descriptor has it. */
export interface Token {
  readonly ticker: string;
  readonly decimals: number;
}

/** A file of ERC-7730, as far as it is used: https://eips.ethereum.org/EIPS/eip-7730. */
export interface Descriptor {
  readonly kind: "contract" | "eip712";
  /** `chain:address`, the address with its checksum. */
  readonly deployments: ReadonlySet<string>;
  /** What the domain of typed data must have. */
  readonly domain: JsonObject;
  /** The token that the contract is. */
  readonly token: Token | undefined;
  readonly formats: readonly Format[];
  /** What `$.` in a path refers to. */
  readonly root: JsonObject;
}

const MAX_DEPTH = 8;

/**
 * Reads a descriptor file, versions 1 and 2. Only what it says of its own deployments is used; a file without them, or with `includes`
 * that were not merged, is refused.
 *
 * @throws ethers' INVALID_ARGUMENT, which says what is missing.
 */
export function readDescriptor(value: unknown): Descriptor {
  const root = objectOf(value);
  const { context, metadata, display, includes } = root;
  check(includes === undefined, "has includes: merge the files first");
  const { contract, eip712 } = objectOf(context);
  check((contract === undefined) !== (eip712 === undefined), "must have context.contract or context.eip712");
  const bound = objectOf(contract ?? eip712);
  const kind = contract === undefined ? "eip712" : "contract";
  const deployments = listOf(bound["deployments"]).map((each) => {
    const { chainId, address } = objectOf(each);
    const isOne = Number.isSafeInteger(chainId) && typeof address === "string" && /^0x[\da-f]{40}$/i.test(address);
    check(isOne, "has a deployment without chainId and address");
    return `${chainId}:${getAddress((address as string).toLowerCase())}`;
  });
  check(deployments.length > 0, "has no deployments: it could be of any contract");
  const { formats } = objectOf(display);
  return {
    kind,
    deployments: new Set(deployments),
    domain: objectOf(bound["domain"]),
    token: readToken(objectOf(metadata)["token"]),
    formats: Object.entries(objectOf(formats)).flatMap(([key, format]) =>
      kind === "contract"
        ? readCall(key, format, bound["abi"], root)
        : readTypedData(key, format, bound["schemas"], root),
    ),
    root,
  };
}

function readToken(value: unknown): Token | undefined {
  const { ticker, decimals } = objectOf(value);
  const isToken = typeof ticker === "string" && Number.isInteger(decimals) && (decimals as number) <= 77;
  return isToken && (decimals as number) >= 0 ? { ticker, decimals: decimals as number } : undefined;
}

/** The key is a signature with the parameters' names; or without them, or a selector, of a function in the file's own ABI. */
function readCall(key: string, value: unknown, abi: unknown, root: JsonObject): readonly Format[] {
  const signature = key.replace(/^function /, "");
  const own = attempt(() => readInterface(abi).getFunction(signature));
  const fragment = own ?? attempt(() => FunctionFragment.from(`function ${signature}`));
  if (fragment === undefined) return [];
  return [{ fragment, encodedType: undefined, ...readFormat(value, root) }];
}

/** The key is the encoded type; or the primary type of a schema in the file. */
function readTypedData(key: string, value: unknown, schemas: unknown, root: JsonObject): readonly Format[] {
  const format = readFormat(value, root);
  const encoded = listOf(schemas).flatMap((schema) => {
    const { primaryType, types } = objectOf(schema);
    if (primaryType !== key) return [];
    const { EIP712Domain: _, ...others } = objectOf(types);
    const encodedType = attempt(() => TypedDataEncoder.from(others as never).encodeType(key));
    return encodedType === undefined ? [] : [encodedType];
  });
  return [...new Set([key, ...encoded])].map((encodedType) => ({ fragment: undefined, encodedType, ...format }));
}

function readFormat(value: unknown, root: JsonObject): Pick<Format, "intent" | "fields"> {
  const { intent, fields } = objectOf(value);
  return { intent: typeof intent === "string" ? intent : undefined, fields: readFields(fields, root, "", 0) };
}

function readFields(value: unknown, root: JsonObject, prefix: string, depth: number): readonly FieldFormat[] {
  if (depth > MAX_DEPTH) return [];
  return listOf(value).flatMap((each) => {
    const own = objectOf(each);
    const shared = objectOf(resolveConstant(own["$ref"], root));
    const { path, label, format, fields } = { ...shared, ...own };
    if (typeof path !== "string") return [];
    const place = `${prefix}${normalizePath(path)}`;
    if (fields !== undefined) return readFields(fields, root, `${place}.`, depth + 1);
    const params = { ...objectOf(shared["params"]), ...objectOf(own["params"]) };
    return [
      {
        ...{ path: place, params },
        label: typeof label === "string" ? label : undefined,
        format: typeof format === "string" ? format : "raw",
      },
    ];
  });
}

/** ERC-7730 writes `#.orders.[].amount`; here it is `orders[].amount`. */
export function normalizePath(path: string): string {
  return path.replace(/^#\./, "").replaceAll(".[", "[");
}

/** What a `$.` path refers to; any other value is itself. */
export function resolveConstant(value: unknown, root: JsonObject): unknown {
  if (typeof value !== "string" || !value.startsWith("$.")) return value;
  let found: unknown = root;
  for (const name of value.slice(2).split(".")) {
    found = Object.hasOwn(objectOf(found), name) ? objectOf(found)[name] : undefined;
  }
  return found;
}

/**
 * An ABI, or what a compiler wrote about a contract. Names are identifiers: they stand where our own lines' names do.
 *
 * @throws whatever ethers throws; its Interface would drop what it cannot read, and write that to the console.
 */
export function readInterface(abi: unknown): Interface {
  const json = typeof abi === "string" ? (JSON.parse(abi) as unknown) : abi;
  const list = Array.isArray(json) ? json : objectOf(json)["abi"];
  return new Interface((list as readonly unknown[]).map((each) => Fragment.from(each)));
}

export function objectOf(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function check(condition: boolean, fault: string): asserts condition {
  assertArgument(condition, `the descriptor ${fault}`, "descriptors", "[not shown]");
}

function attempt<T>(read: () => T | null): T | undefined {
  try {
    return read() ?? undefined;
  } catch {
    return undefined;
  }
}
