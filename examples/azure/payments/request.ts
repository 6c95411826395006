import { assertArgument, getAddress, parseUnits } from "ethers";

/** What is asked for: `status`, or a payment that is signed, or signed and sent. */
export type Request =
  | { readonly operation: "status" }
  | { readonly operation: "sign" | "send"; readonly payment: PaymentRequest };

export interface PaymentRequest {
  readonly to: string;
  /** Wei. */
  readonly value: bigint;
  readonly nonce: number;
  readonly gasLimit: bigint;
  /** Wei per gas; both or none. */
  readonly fees: { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint } | undefined;
  /** The chain that the caller means. */
  readonly chainId: bigint | undefined;
}

const FIELDS = [
  "amount",
  "dst_address",
  "nonce",
  "chain_id",
  "gas_limit",
  "max_fee_per_gas",
  "max_priority_fee_per_gas",
];
/** What a payment to an account without code costs. */
const TRANSFER_GAS = 21_000;
/** EIP-7825: no transaction may have more. */
const MOST_GAS = 2 ** 24;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Checks a request as it came. Amounts are decimal text, since a JSON number loses digits; what is not known is refused, since
 * a misspelt field would otherwise be a field that was left out.
 *
 * @throws ethers' INVALID_ARGUMENT.
 */
export function readRequest(event: unknown): Request {
  assertArgument(isFields(event), 'the request must be an object, such as { "operation": "status" }', "request", "");
  const { operation, ...fields } = event;
  if (operation === "status") {
    requireKnown(fields, []);
    return { operation };
  }
  assertArgument(
    operation === "sign" || operation === "send",
    "operation must be status, sign or send",
    "operation",
    operation,
  );
  requireKnown(fields, FIELDS);
  return { operation, payment: readPayment(fields) };
}

function readPayment(fields: Fields): PaymentRequest {
  const { dst_address: to, chain_id: chainId, max_fee_per_gas: maxFee, max_priority_fee_per_gas: priority } = fields;
  assertArgument(
    typeof to === "string" && /^0x[0-9a-fA-F]{40}$/.test(to),
    "dst_address must be 0x and 40 hexadecimal digits",
    "dst_address",
    to,
  );
  assertArgument(
    (maxFee === undefined) === (priority === undefined),
    "pass both max_fee_per_gas and max_priority_fee_per_gas, or none",
    "max_fee_per_gas",
    maxFee,
  );
  return {
    // Refuses a wrong checksum (EIP-55).
    to: getAddress(to),
    value: readDecimal(fields, "amount", 18),
    nonce: readInteger(fields, "nonce", 0, Number.MAX_SAFE_INTEGER),
    gasLimit: BigInt(readInteger({ gas_limit: TRANSFER_GAS, ...fields }, "gas_limit", TRANSFER_GAS, MOST_GAS)),
    fees: maxFee === undefined ? undefined : readFees(fields),
    chainId: chainId === undefined ? undefined : BigInt(readInteger(fields, "chain_id", 1, Number.MAX_SAFE_INTEGER)),
  };
}

function readFees(fields: Fields) {
  const maxFeePerGas = readDecimal(fields, "max_fee_per_gas", 9);
  const maxPriorityFeePerGas = readDecimal(fields, "max_priority_fee_per_gas", 9);
  assertArgument(
    maxPriorityFeePerGas <= maxFeePerGas,
    "max_priority_fee_per_gas must not be above max_fee_per_gas",
    "max_priority_fee_per_gas",
    fields["max_priority_fee_per_gas"],
  );
  return { maxFeePerGas, maxPriorityFeePerGas };
}

/** Decimal text with at most that many decimals, as an integer of the smallest unit. */
function readDecimal(fields: Fields, name: string, decimals: number): bigint {
  const text = fields[name];
  const form = new RegExp(`^(0|[1-9]\\d{0,30})(\\.\\d{1,${decimals}})?$`);
  assertArgument(
    typeof text === "string" && form.test(text),
    `${name} must be a string with at most ${decimals} decimals, such as "0.05"`,
    name,
    text,
  );
  return parseUnits(text, decimals);
}

function readInteger(fields: Fields, name: string, least: number, most: number): number {
  const value = fields[name];
  assertArgument(
    typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most,
    `${name} must be an integer from ${least} to ${most}`,
    name,
    value,
  );
  return value;
}

function requireKnown(fields: Fields, known: readonly string[]): void {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  assertArgument(unknown === undefined, `unknown field ${unknown}`, "request", unknown);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
