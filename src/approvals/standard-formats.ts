import { FunctionFragment } from "ethers";
import type { FieldFormat, Format } from "./format.ts";

/** The same address on most chains; github.com/Uniswap/permit2. */
export const PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3";

const OWN_TOKEN = { tokenPath: "@.to" };
const CALLEE = { calleePath: "to" };

function field(path: string, format: string, params: Readonly<Record<string, unknown>> = {}): FieldFormat {
  return { path, label: undefined, format, params };
}

function call(signature: string, ...fields: FieldFormat[]): Format {
  return {
    fragment: FunctionFragment.from(`function ${signature}`),
    encodedType: undefined,
    intent: undefined,
    fields,
  };
}

function typedData(encodedType: string, ...fields: FieldFormat[]): Format {
  return { fragment: undefined, encodedType, intent: undefined, fields };
}

/** What contracts of a standard take. A selector alone does not prove that the contract is one of them. */
export const STANDARD_CALLS: readonly { readonly standard: string; readonly formats: readonly Format[] }[] = [
  {
    standard: "ERC-20",
    formats: [
      call("transfer(address to,uint256 amount)", field("amount", "tokenAmount", OWN_TOKEN)),
      call("increaseAllowance(address spender,uint256 amount)", field("amount", "tokenAmount", OWN_TOKEN)),
      call("decreaseAllowance(address spender,uint256 amount)", field("amount", "tokenAmount", OWN_TOKEN)),
    ],
  },
  {
    standard: "ERC-20 or ERC-721",
    formats: [
      call("approve(address spender,uint256 amountOrId)", field("amountOrId", "tokenAmount", OWN_TOKEN)),
      call("transferFrom(address from,address to,uint256 amountOrId)", field("amountOrId", "tokenAmount", OWN_TOKEN)),
    ],
  },
  {
    standard: "ERC-2612",
    formats: [
      call(
        "permit(address owner,address spender,uint256 value,uint256 deadline,uint8 v,bytes32 r,bytes32 s)",
        field("value", "tokenAmount", OWN_TOKEN),
        field("deadline", "date"),
      ),
    ],
  },
  {
    standard: "ERC-721",
    formats: [
      call("safeTransferFrom(address from,address to,uint256 tokenId)"),
      call("safeTransferFrom(address from,address to,uint256 tokenId,bytes data)"),
      call("setApprovalForAll(address operator,bool approved)"),
    ],
  },
  {
    standard: "Safe",
    formats: [
      call(
        "execTransaction(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas," +
          "uint256 gasPrice,address gasToken,address refundReceiver,bytes signatures)",
        field("value", "amount"),
        field("data", "calldata", CALLEE),
      ),
    ],
  },
];

/** Believed of the contract at {@link PERMIT2} only. */
export const PERMIT2_CALLS: readonly Format[] = [
  call(
    "approve(address token,address spender,uint160 amount,uint48 expiration)",
    field("amount", "tokenAmount", { tokenPath: "token" }),
    field("expiration", "date"),
  ),
  call(
    "transferFrom(address from,address to,uint160 amount,address token)",
    field("amount", "tokenAmount", { tokenPath: "token" }),
  ),
  call(
    "permit(address owner,((address token,uint160 amount,uint48 expiration,uint48 nonce) details,address spender," +
      "uint256 sigDeadline) permitSingle,bytes signature)",
    field("permitSingle.details.amount", "tokenAmount", { tokenPath: "permitSingle.details.token" }),
    field("permitSingle.details.expiration", "date"),
    field("permitSingle.sigDeadline", "date"),
  ),
  call(
    "permit(address owner,((address token,uint160 amount,uint48 expiration,uint48 nonce)[] details,address spender," +
      "uint256 sigDeadline) permitBatch,bytes signature)",
    field("permitBatch.details[].amount", "tokenAmount", { tokenPath: "permitBatch.details[].token" }),
    field("permitBatch.details[].expiration", "date"),
    field("permitBatch.sigDeadline", "date"),
  ),
];

const DETAILS = "PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)";

export const STANDARD_TYPED_DATA: readonly Format[] = [
  typedData(
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
    field("value", "tokenAmount", OWN_TOKEN),
    field("deadline", "date"),
  ),
  typedData(
    `PermitSingle(PermitDetails details,address spender,uint256 sigDeadline)${DETAILS}`,
    field("details.amount", "tokenAmount", { tokenPath: "details.token" }),
    field("details.expiration", "date"),
    field("sigDeadline", "date"),
  ),
  typedData(
    `PermitBatch(PermitDetails[] details,address spender,uint256 sigDeadline)${DETAILS}`,
    field("details[].amount", "tokenAmount", { tokenPath: "details[].token" }),
    field("details[].expiration", "date"),
    field("sigDeadline", "date"),
  ),
  typedData(
    "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,uint256 gasPrice," +
      "address gasToken,address refundReceiver,uint256 nonce)",
    field("value", "amount"),
    field("data", "calldata", CALLEE),
  ),
];
