import { assert, assertArgument, formatEther, formatUnits, type Signer, Transaction } from "ethers";
import { BroadcastFailed, describeFailure, type Failure, LimitExceeded, type SignedPayment } from "./failure.ts";
import { Node } from "./node.ts";
import { type PaymentRequest, readRequest } from "./request.ts";
import type { Settings } from "./settings.ts";

export interface Status {
  /** Checksummed (EIP-55). */
  readonly address: string;
  readonly chain_id: number;
  /** In ether; only where an RPC is set. */
  readonly balance?: string;
  /** What the next payment needs, those that wait for a block counted; only where an RPC is set. */
  readonly nonce?: number;
}

export type Answer = Status | SignedPayment | Failure;

/**
 * Payments of one account on one chain. It holds no state but the signer's: the caller says the nonce, so that a request that is
 * repeated can never pay twice.
 */
export class PaymentService {
  readonly #signer: Signer;
  readonly #settings: Settings;
  readonly #node: Node | undefined;

  constructor(signer: Signer, settings: Settings) {
    this.#signer = signer;
    this.#settings = settings;
    this.#node = settings.rpcUrl === undefined ? undefined : new Node(settings.rpcUrl, settings.chainId);
  }

  /** Never throws: what went wrong is an answer, too, and a line of the log. */
  async answer(event: unknown): Promise<Answer> {
    try {
      const request = readRequest(event);
      if (request.operation === "status") return await this.#status();
      const signed = await this.#sign(request.payment, request.operation === "send");
      return request.operation === "send" ? await this.#broadcast(signed) : signed;
    } catch (error) {
      const described = describeFailure(error);
      const { code } = described.error;
      console.error(JSON.stringify(described));
      if (code === "INTERNAL_ERROR" && error instanceof Error) console.error(error.stack);
      return described;
    }
  }

  async #status(): Promise<Status> {
    const address = await this.#signer.getAddress();
    const status = { address, chain_id: Number(this.#settings.chainId) };
    if (!this.#node) return status;
    const provider = await this.#node.provider();
    const [balance, nonce] = await Promise.all([
      provider.getBalance(address),
      provider.getTransactionCount(address, "pending"),
    ]);
    return { ...status, balance: formatEther(balance), nonce };
  }

  async #sign(payment: PaymentRequest, toSend: boolean): Promise<SignedPayment> {
    const { chainId } = this.#settings;
    assert(!toSend || this.#node, "nothing can be sent without RPC_URL", "UNSUPPORTED_OPERATION", {
      operation: "send",
    });
    assertArgument(
      payment.chainId === undefined || payment.chainId === chainId,
      `chain_id must be ${chainId}: this function signs for no other chain`,
      "chain_id",
      payment.chainId,
    );
    const { to, value, nonce, gasLimit } = payment;
    const fees = payment.fees ?? (await this.#currentFees());
    this.#requireWithinLimits(value, fees.maxFeePerGas);
    const raw = await this.#signer.signTransaction({ type: 2, chainId, to, value, nonce, gasLimit, ...fees });
    const { from, hash } = Transaction.from(raw);
    assert(from !== null && hash !== null, "the transaction has no signature", "UNKNOWN_ERROR");
    return { from, chain_id: Number(chainId), nonce, hash, raw_transaction: raw };
  }

  async #currentFees() {
    assertArgument(
      this.#node,
      "max_fee_per_gas and max_priority_fee_per_gas are needed: there is no RPC_URL to ask",
      "max_fee_per_gas",
      undefined,
    );
    const provider = await this.#node.provider();
    const { maxFeePerGas, maxPriorityFeePerGas } = await provider.getFeeData();
    assert(
      maxFeePerGas !== null && maxPriorityFeePerGas !== null,
      "the chain has no EIP-1559 fees",
      "UNSUPPORTED_OPERATION",
      {
        operation: "getFeeData",
      },
    );
    return { maxFeePerGas, maxPriorityFeePerGas };
  }

  #requireWithinLimits(value: bigint, maxFeePerGas: bigint): void {
    const { maxAmount, maxFeePerGas: mostFee } = this.#settings;
    if (maxAmount !== undefined && value > maxAmount) {
      throw new LimitExceeded(`amount is above MAX_AMOUNT_ETHER, ${formatEther(maxAmount)}`);
    }
    if (maxFeePerGas > mostFee) {
      const fee = formatUnits(maxFeePerGas, "gwei");
      throw new LimitExceeded(`the fee per gas, ${fee} gwei, is above MAX_FEE_GWEI, ${formatUnits(mostFee, "gwei")}`);
    }
  }

  async #broadcast(signed: SignedPayment): Promise<SignedPayment> {
    try {
      const provider = await this.#node?.provider();
      await provider?.broadcastTransaction(signed.raw_transaction);
      return signed;
    } catch (error) {
      throw new BroadcastFailed(signed, error);
    }
  }
}
