import {
  hashMessage,
  hexlify,
  Interface,
  id,
  keccak256,
  SigningKey,
  Transaction,
  TypedDataEncoder,
  toUtf8Bytes,
} from "ethers";
import { RemoteSigner, type RemoteSignerOptions, type SigningPayload } from "ethers-hsm";
import {
  allow,
  atMost,
  baseline,
  call,
  definePolicy,
  maxCost,
  message,
  noCalldata,
  oneOf,
  to,
  typedData,
} from "ethers-hsm/policy";
import { alternate } from "../alternate.ts";

export interface PolicyPlan {
  readonly rounds: number;
  readonly count: number;
  readonly warmUp: number;
}

export interface PolicyFigure {
  readonly what: string;
  /** Milliseconds that the policy adds to one signature. */
  readonly added: number;
}

const SUPPLIER = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
const TOKEN = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const policy = definePolicy({
  name: "benchmark",
  version: 1,
  rules: [
    ...baseline({ chains: [1], maxCost: 10n ** 18n }),
    allow("pay", to(SUPPLIER), noCalldata(), maxCost(10n ** 17n)),
    allow("token", call(TOKEN, "transfer(address to, uint256 amount)", { to: oneOf(SUPPLIER), amount: atMost(100) })),
    allow("log in", message(/^login \d+$/)),
    allow("permit", typedData({ chainId: 1, verifyingContract: TOKEN, primaryType: "Permit" })),
  ],
});

/** Signs with a policy and without, by a key that answers at once and a verifier that believes it: what remains is the policy's. */
export async function answer({ rounds, count, warmUp }: PolicyPlan): Promise<readonly PolicyFigure[]> {
  const [plain, guarded] = [signer({}), signer({ policy })];
  const figures: PolicyFigure[] = [];
  for (const [what, digest, payload] of requests()) {
    const works = [
      { name: "plain", perform: () => plain.signDigest(digest, { payload }) },
      { name: "guarded", perform: () => guarded.signDigest(digest, { payload }) },
    ];
    const times = await alternate(works, { rounds, count, warmUp });
    figures.push({ what, added: (times.get("guarded") ?? Number.NaN) - (times.get("plain") ?? Number.NaN) });
  }
  return figures;
}

function signer(options: RemoteSignerOptions): RemoteSigner {
  const key = new SigningKey(id("the key of the policy benchmark"));
  const publicKey = Uint8Array.from(Buffer.from(key.publicKey.slice(2), "hex"));
  const { r, s } = key.sign(id("a digest"));
  const signature = { r: BigInt(r), s: BigInt(s) };
  const remote = {
    backend: "answers",
    id: "key",
    getPublicKey: async () => publicKey,
    signDigest: async () => signature,
  };
  return new RemoteSigner(remote, null, { ...options, verifier: () => 0 });
}

function requests(): readonly (readonly [what: string, digest: string, payload: SigningPayload])[] {
  const fields = { type: 2, chainId: 1, nonce: 3, gasLimit: 60_000, maxFeePerGas: 1n };
  const transfer = new Interface(["function transfer(address to, uint256 amount)"]).encodeFunctionData("transfer", [
    SUPPLIER,
    5,
  ]);
  const text = toUtf8Bytes("login 4711");
  const [ether, token] = [
    { to: SUPPLIER, value: 5n },
    { to: TOKEN, data: transfer },
  ].map((more) => Transaction.from({ ...fields, ...more }).unsignedSerialized) as [string, string];
  const domain = { name: "USD Coin", version: "2", chainId: 1, verifyingContract: TOKEN };
  const types = {
    Permit: ["address owner", "address spender", "uint256 value", "uint256 nonce", "uint256 deadline"].map((field) => {
      const [type = "", name = ""] = field.split(" ");
      return { name, type };
    }),
  };
  const value = { owner: SUPPLIER, spender: SUPPLIER, value: 5n, nonce: 0n, deadline: 1_800_000_000n };
  return [
    ["a transfer of ether", keccak256(ether), { type: "transaction", unsigned: hexlify(ether) }],
    [
      "a transfer of a token, its arguments decoded",
      keccak256(token),
      { type: "transaction", unsigned: hexlify(token) },
    ],
    ["a message", hashMessage(text), { type: "message", message: text }],
    [
      "typed data: a permit (ERC-2612)",
      TypedDataEncoder.hash(domain, types, value),
      { type: "typed-data", domain, types, value },
    ],
  ];
}
