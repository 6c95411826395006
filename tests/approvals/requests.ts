import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { getAddress, hashAuthorization, hashMessage, Transaction, TypedDataEncoder, toUtf8Bytes, Wallet } from "ethers";
import type { ApprovalRequest, QuorumTokenFile } from "../../src/approvals/index.ts";
import { createApprovalRequest } from "../../src/approvals/index.ts";
import type { SigningPayload } from "../../src/signer/payload.ts";

export const ACCOUNT = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
export const CREATED = new Date("2030-01-31T12:00:00.000Z");
export const EXPIRES = new Date("2030-01-31T12:09:00.000Z");
/** Between the two. */
export const NOW = new Date("2030-01-31T12:05:00.000Z");

/** Of an approver who does not say what they expect, and measures the time by NOW. */
export const ANY = { expectedAccount: false, expectedChainId: false, now: NOW } as const;

const RECIPIENT = "0x000000000000000000000000000000000000dEaD";
const DELEGATE = getAddress(`0x${"de".repeat(20)}`);
const WORD = `0x${"11".repeat(32)}`;
const authority = new Wallet(`0x${"42".repeat(32)}`);

export function tokenFile(approvalData: Uint8Array = toUtf8Bytes("approve the use of a key")): QuorumTokenFile {
  return {
    version: "2.0",
    service: "key-usage",
    key_reference: "0x00000000006c0004",
    approval_data: Buffer.from(approvalData).toString("base64"),
    token: createHash("sha256").update(approvalData).digest("base64"),
    signatures: [],
  };
}

/** A key of approvers; making one takes a while. */
export function rsaKey(bits = 2048): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  return generateKeyPairSync("rsa", { modulusLength: bits });
}

const market = { maxFeePerGas: 30_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n };
const basic = {
  chainId: 1n,
  nonce: 7,
  to: RECIPIENT,
  value: 1_500_000_000_000_000_000n,
  gasLimit: 90_000n,
  data: "0xa9059cbb",
};
const accessList = [{ address: RECIPIENT, storageKeys: [WORD] }];
const delegation = authority.authorizeSync({ address: DELEGATE, chainId: 1n, nonce: 3n });

const TRANSACTIONS = {
  "type 0, any chain": { ...basic, type: 0, chainId: 0n, gasPrice: 20_000_000_000n },
  "type 0": { ...basic, type: 0, gasPrice: 20_000_000_000n },
  "type 1": { ...basic, type: 1, gasPrice: 20_000_000_000n, accessList },
  "type 2": { ...basic, ...market, type: 2 },
  "type 2, a new contract": { ...basic, ...market, type: 2, to: null, data: "0x6000" },
  "type 3": { ...basic, ...market, type: 3, maxFeePerBlobGas: 5n, blobVersionedHashes: [`0x01${"22".repeat(31)}`] },
  "type 4": { ...basic, ...market, type: 4, accessList, authorizationList: [delegation] },
};
export const AUTHORITY = authority.address;

export const TYPED_DATA = {
  domain: { name: "Permit", version: "1", chainId: 1n, verifyingContract: DELEGATE, salt: WORD },
  types: {
    Permit: [
      { name: "owner", type: "Person" },
      { name: "amounts", type: "uint256[2]" },
      { name: "delta", type: "int128" },
      { name: "memo", type: "string" },
      { name: "payload", type: "bytes" },
      { name: "final", type: "bool" },
    ],
    Person: [
      { name: "wallet", type: "address" },
      { name: "tag", type: "bytes4" },
    ],
  },
  value: {
    owner: { wallet: RECIPIENT, tag: "0x01020304" },
    amounts: [2n ** 255n, 0],
    delta: -5n,
    memo: "a\nb",
    payload: new Uint8Array([1, 2]),
    final: true,
  },
};

function transaction(fields: object): [string, SigningPayload] {
  const made = Transaction.from(fields as Parameters<typeof Transaction.from>[0]);
  return [made.unsignedHash, { type: "transaction", unsigned: made.unsignedSerialized }];
}

const tuple = { chainId: 1n, address: DELEGATE, nonce: 9n };
const { domain, types, value } = TYPED_DATA;

/** Every kind of content, with the digest that ethers itself makes of it. */
export const CONTENTS: Readonly<Record<string, readonly [digest: string, content: SigningPayload]>> = {
  ...Object.fromEntries(
    Object.entries(TRANSACTIONS).map(([name, fields]) => [`a transaction of ${name}`, transaction(fields)]),
  ),
  "a message": [hashMessage("Grüße, 0x00"), { type: "message", message: toUtf8Bytes("Grüße, 0x00") }],
  "an empty message": [hashMessage(""), { type: "message", message: new Uint8Array() }],
  "a message of bytes": [
    hashMessage(new Uint8Array([0xff, 0])),
    { type: "message", message: new Uint8Array([0xff, 0]) },
  ],
  "typed data": [TypedDataEncoder.hash(domain, types, value), { type: "typed-data", domain, types, value }],
  "an authorization": [hashAuthorization(tuple), { type: "authorization", ...tuple }],
  "an authorization for every chain": [
    hashAuthorization({ ...tuple, chainId: 0n }),
    { type: "authorization", ...tuple, chainId: 0n },
  ],
};

export function contentOf(name: string): readonly [digest: string, content: SigningPayload] {
  const found = CONTENTS[name];
  if (found === undefined) throw new Error(`no content is called ${name}`);
  return found;
}

export function requestFor(name: string, others: object = {}): ApprovalRequest {
  const [digest, content] = contentOf(name);
  return createApprovalRequest({
    digest,
    content,
    account: ACCOUNT,
    createdAt: CREATED,
    expiresAt: EXPIRES,
    requester: "payouts",
    note: "invoice 7",
    token: tokenFile(),
    ...others,
  });
}

/** The lines of a summary, without the folds of its rows. */
export function unfold(summary: string): string {
  return summary.replaceAll("\n  | ", "");
}

/** What `run` throws, for a closer look. */
export async function failureOf(run: () => unknown): Promise<Record<string, unknown>> {
  try {
    await run();
  } catch (error) {
    return error as Record<string, unknown>;
  }
  throw new Error("nothing was thrown");
}

/** Matches the SignerError of a quorum's failure. */
export function quorumFailure(code: string, reason: string, info: object = {}): object {
  return { name: "SignerError", code, retryable: false, info: { ...info, reason } };
}
