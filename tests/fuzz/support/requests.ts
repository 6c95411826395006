import { getBytes, hashAuthorization, hashMessage, Transaction, TypedDataEncoder, Wallet } from "ethers";
import { recompute } from "../../../src/approvals/content-digest.ts";
import { createApprovalRequest } from "../../../src/approvals/create-request.ts";
import type { QuorumTokenFile } from "../../../src/approvals/token-file.ts";
import type { SigningPayload } from "../../../src/signer/payload.ts";
import { mendTokens, tokenFile } from "./quorum-files.ts";

const ACCOUNT = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
const OTHER = "0x00000000000000000000000000000000DeaDBeef";
const WALLET = new Wallet(`0x${"11".repeat(32)}`);

/** Within the life of every request below. */
export const NOW = new Date("2030-01-01T00:05:00.000Z");

const HASH = `0x01${"ab".repeat(31)}`;

const TYPED_DATA = {
  domain: { name: "Exchange", version: "1", chainId: 1, verifyingContract: OTHER, salt: `0x${"5a".repeat(32)}` },
  types: {
    Order: [
      { name: "maker", type: "Person" },
      { name: "amounts", type: "uint256[]" },
      { name: "tag", type: "bytes4" },
      { name: "data", type: "bytes" },
      { name: "open", type: "bool" },
      { name: "change", type: "int128" },
    ],
    Person: [
      { name: "name", type: "string" },
      { name: "wallets", type: "address[2]" },
    ],
  },
  value: {
    maker: { name: "Alice", wallets: [ACCOUNT, OTHER] },
    amounts: [1n, 2n ** 255n],
    tag: "0x01020304",
    data: "0x00ff",
    open: true,
    change: -5n,
  },
};

type Content = readonly [digest: string, content: SigningPayload | { type: "digest" }];

/** One request for each kind of content, as its requester sends it. */
export function requests(): readonly object[] {
  const authorization = { chainId: 1n, address: OTHER, nonce: 7n };
  const signed = { ...authorization, signature: WALLET.signingKey.sign(hashAuthorization(authorization)) };
  const base = { chainId: 1, nonce: 3, gasLimit: 100_000, to: OTHER, value: 10n ** 18n, data: "0xa9059cbb" };
  const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 9n };
  const accessList = [{ address: OTHER, storageKeys: [HASH] }];
  const transactions = [
    { ...base, type: 0, gasPrice: 10n ** 10n },
    { nonce: 0, gasLimit: 21_000, to: OTHER, value: 1, type: 0, gasPrice: 1 },
    { ...base, type: 1, gasPrice: 10n ** 10n, accessList },
    { ...base, type: 2, ...fees, accessList },
    { ...base, type: 2, ...fees, to: null },
    { ...base, type: 3, ...fees, maxFeePerBlobGas: 10n ** 9n, blobVersionedHashes: [HASH] },
    { ...base, type: 4, ...fees, authorizationList: [signed] },
  ];
  const contents: readonly Content[] = [
    ...transactions.map((transaction): Content => {
      const made = Transaction.from(transaction);
      return [made.unsignedHash, { type: "transaction", unsigned: made.unsignedSerialized }];
    }),
    [hashMessage("hello"), { type: "message", message: Buffer.from("hello") }],
    [hashMessage(getBytes("0x00ff")), { type: "message", message: getBytes("0x00ff") }],
    [
      TypedDataEncoder.hash(TYPED_DATA.domain, TYPED_DATA.types, TYPED_DATA.value),
      { type: "typed-data", ...TYPED_DATA },
    ],
    [hashAuthorization(authorization), { type: "authorization", ...authorization }],
    [HASH, { type: "digest" }],
  ];
  return contents.map(([digest, content]) =>
    createApprovalRequest({
      digest,
      content,
      account: ACCOUNT,
      requester: "treasury-1",
      note: "the weekly payment",
      id: "f2b7a1d0-0000-4000-8000-000000000001",
      createdAt: new Date("2030-01-01T00:00:00.000Z"),
      expiresAt: new Date("2030-01-01T00:10:00.000Z"),
      token: tokenFile() as unknown as QuorumTokenFile,
    }),
  );
}

/** Makes what a request says of its content right again, so that a changed content is not refused for that. */
export function mendRequest(value: unknown): void {
  mendTokens(value);
  const request = value as { content?: never; digest?: string; chainId?: string } | null;
  if (typeof request !== "object" || request?.content === undefined) return;
  try {
    const { content, digest, chain } = recompute(request.content);
    Object.assign(request, { content, ...(digest === undefined ? {} : { digest }) });
    if (chain !== undefined && chain !== "every") request.chainId = chain;
  } catch {
    // Content that means nothing stays as it is.
  }
}
