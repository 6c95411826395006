import {
  getBytes,
  hashMessage,
  hexlify,
  id,
  type SigningKey,
  Transaction,
  type TransactionRequest,
  TypedDataEncoder,
  Wallet,
} from "ethers";
import { type RawSignature, type RemoteKey, RemoteSigner } from "ethers-hsm";
import { nativeVerifier } from "ethers-hsm/secp256k1";
import { alternate } from "../alternate.ts";

export interface SigningPlan {
  readonly rounds: number;
  readonly count: number;
  readonly warmUp: number;
}

export interface SigningFigure {
  readonly what: string;
  /** Milliseconds for one. */
  readonly signer: number;
  /** With `nativeVerifier()`. */
  readonly native: number;
  readonly wallet: number;
}

/** How many different payloads there are of each kind. */
const VARIANTS = 32;
const wallet = new Wallet(id("the key of the signing benchmark"));

/** A key that knows its answers: it gives a valid signature of each digest that it was made for, without computing one. */
class AnsweringKey implements RemoteKey {
  readonly backend = "answers";
  readonly id = "answering-key";
  readonly #answers: ReadonlyMap<string, RawSignature>;

  constructor(key: SigningKey, digests: readonly string[]) {
    this.#answers = new Map(
      digests.map((digest) => {
        const { r, s } = key.sign(digest);
        return [digest, { r: BigInt(r), s: BigInt(s) }];
      }),
    );
  }

  async getPublicKey(): Promise<Uint8Array> {
    return getBytes(wallet.signingKey.publicKey);
  }

  async signDigest(digest: Uint8Array): Promise<RawSignature> {
    const answer = this.#answers.get(hexlify(digest));
    if (!answer) throw new Error("this digest was not foreseen");
    return answer;
  }
}

type AnySigner = Pick<Wallet, "signTransaction" | "signMessage" | "signTypedData">;

interface Job {
  readonly what: string;
  readonly digests: readonly string[];
  sign(signer: AnySigner, variant: number): Promise<string>;
}

/** Times each job with `Wallet` and with a RemoteSigner whose key answers at once; both must give the same text. */
export async function answer(plan: SigningPlan): Promise<readonly SigningFigure[]> {
  const jobs = [...[0, 1, 2, 4].map(transactions), messages(), typedData()];
  const key = new AnsweringKey(
    wallet.signingKey,
    jobs.flatMap(({ digests }) => digests),
  );
  const signer = new RemoteSigner(key);
  const native = new RemoteSigner(key, null, { verifier: nativeVerifier() });
  const figures: SigningFigure[] = [];
  for (const { what, sign } of jobs) {
    for (let variant = 0; variant < VARIANTS; variant += 1) {
      const [ours, theirs] = await Promise.all([sign(signer as AnySigner, variant), sign(wallet, variant)]);
      if (ours !== theirs) throw new Error(`${what}: RemoteSigner and Wallet give different results`);
    }
    const times = await alternate(
      [
        { name: "signer", perform: (index) => sign(signer as AnySigner, index % VARIANTS) },
        { name: "native", perform: (index) => sign(native as AnySigner, index % VARIANTS) },
        { name: "wallet", perform: (index) => sign(wallet, index % VARIANTS) },
      ],
      plan,
    );
    const time = (name: string) => times.get(name) ?? Number.NaN;
    figures.push({ what, signer: time("signer"), native: time("native"), wallet: time("wallet") });
  }
  return figures;
}

function transactions(type: number): Job {
  const requests = variants((variant) => transaction(type, variant));
  return {
    what: `\`signTransaction\`, type ${type}`,
    digests: requests.map((request) => Transaction.from(request as object).unsignedHash),
    sign: (signer, variant) => signer.signTransaction(requests[variant] ?? {}),
  };
}

function messages(): Job {
  const texts = variants((variant) => `Message ${variant} of the benchmark`);
  return {
    what: "`signMessage`",
    digests: texts.map(hashMessage),
    sign: (signer, variant) => signer.signMessage(texts[variant] ?? ""),
  };
}

function typedData(): Job {
  const domain = { name: "Benchmark", version: "1", chainId: 1, verifyingContract: wallet.address };
  const types = {
    Order: [
      { name: "maker", type: "address" },
      { name: "amount", type: "uint256" },
      { name: "note", type: "string" },
    ],
  };
  const orders = variants((variant) => ({ maker: wallet.address, amount: BigInt(variant), note: `Order ${variant}` }));
  return {
    what: "`signTypedData`",
    digests: orders.map((order) => TypedDataEncoder.hash(domain, types, order)),
    sign: (signer, variant) => signer.signTypedData(domain, types, orders[variant] ?? {}),
  };
}

function transaction(type: number, nonce: number): TransactionRequest {
  const common = { type, chainId: 1, nonce, to: wallet.address, value: 10n ** 15n, gasLimit: 21_000n };
  const accessList = [{ address: wallet.address, storageKeys: [id("a slot")] }];
  const fees = { maxFeePerGas: 30n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n };
  if (type === 0) return { ...common, gasPrice: 30n * 10n ** 9n };
  if (type === 1) return { ...common, gasPrice: 30n * 10n ** 9n, accessList };
  if (type === 2) return { ...common, ...fees };
  return {
    ...common,
    ...fees,
    authorizationList: [wallet.authorizeSync({ address: wallet.address, nonce: 0n, chainId: 1n })],
  };
}

function variants<T>(make: (variant: number) => T): readonly T[] {
  return Array.from({ length: VARIANTS }, (_, variant) => make(variant));
}
