import { setTimeout } from "node:timers/promises";
import { type JsonRpcProvider, toQuantity } from "ethers";
import { countOf, type MinedTransaction, type Send, SINK } from "./sends.ts";

interface Block {
  readonly transactions: readonly MinedTransaction[];
}

interface Receipt {
  readonly status: string;
  readonly gasUsed: string;
  readonly effectiveGasPrice: string;
}

/** The books of one account: what it began with, and what its mined transactions took. */
interface Books {
  readonly opening: bigint;
  spent: bigint;
  mined: number;
}

/**
 * Compares the chain, block by block, with what the callers of each send were told. It keeps sums alone, so that it can go
 * on for as long as it likes.
 */
export class ChainLedger {
  readonly #chain: JsonRpcProvider;
  readonly #books = new Map<string, Books>();
  readonly #complain: (text: string) => void;
  #nextBlock: number;
  #sunk: bigint;
  readonly totals = { mined: 0, sent: 0, unknown: 0, landed: 0, failed: 0 };

  /** @param accounts in lower case, funded, and with no transaction yet. */
  static async open(
    chain: JsonRpcProvider,
    accounts: readonly string[],
    complain: (text: string) => void,
  ): Promise<ChainLedger> {
    const ledger = new ChainLedger(chain, complain, (await chain.getBlockNumber()) + 1, await chain.getBalance(SINK));
    for (const account of accounts) {
      ledger.#books.set(account, { opening: await chain.getBalance(account), spent: 0n, mined: 0 });
    }
    return ledger;
  }

  private constructor(chain: JsonRpcProvider, complain: (text: string) => void, nextBlock: number, sunk: bigint) {
    this.#chain = chain;
    this.#complain = complain;
    this.#nextBlock = nextBlock;
    this.#sunk = sunk;
  }

  /** @param sends all whose callers were answered since the last time; no other may be under way. */
  async reconcile(sends: readonly Send[]): Promise<void> {
    await this.#quiet();
    const mined = await this.#newlyMined();
    const byMarker = new Map<string, MinedTransaction[]>();
    for (const transaction of mined) {
      const same = byMarker.get(transaction.input) ?? [];
      byMarker.set(transaction.input, [...same, transaction]);
    }
    for (const send of sends) {
      const found = byMarker.get(send.marker) ?? [];
      byMarker.delete(send.marker);
      this.totals[send.told] += 1;
      this.#judge(send, found);
    }
    for (const [marker] of byMarker) this.#complain(`the chain has a transaction that no caller knows: ${marker}`);
    for (const transaction of mined) await this.#book(transaction);
    for (const [account, books] of this.#books) await this.#audit(account, books);
    const sink = await this.#chain.getBalance(SINK);
    if (sink !== this.#sunk) this.#complain(`the recipient has ${sink} wei instead of ${this.#sunk}`);
    const waiting = await this.#waiting();
    if (waiting > 0) this.#complain(`${waiting} transactions wait in the pool for ever`);
  }

  /** A node mines what it took a moment later. What waits for longer waits for ever, and is complained about. */
  async #quiet(): Promise<void> {
    for (const account of this.#books.keys()) {
      for (let attempt = 0; attempt < 100; attempt += 1) {
        const pending = await countOf(this.#chain, account, "pending");
        if (pending === (await countOf(this.#chain, account, "latest"))) break;
        await setTimeout(100);
      }
    }
  }

  /** Of all accounts together: those that are to be mined, and those behind a gap, which no account's count shows. */
  async #waiting(): Promise<number> {
    const { pending, queued } = (await this.#chain.send("txpool_status", [])) as Record<"pending" | "queued", string>;
    return Number(pending) + Number(queued);
  }

  #judge({ told, hash, from, value }: Send, found: readonly MinedTransaction[]): void {
    const [transaction] = found;
    if (found.length > 1) this.#complain(`a send is on the chain ${found.length} times`);
    if (told === "sent" && !transaction) this.#complain("a send that its caller was told of is not on the chain");
    if (told === "failed" && transaction) this.#complain("a send is on the chain whose caller was told that it failed");
    if (told === "unknown" && transaction) this.totals.landed += 1;
    if (!transaction) return;
    if (told !== "failed" && transaction.hash !== hash) this.#complain("a caller was told another hash");
    if (transaction.from !== from || BigInt(transaction.value) !== value)
      this.#complain("a transaction is not what its caller asked for");
  }

  async #newlyMined(): Promise<MinedTransaction[]> {
    const newest = await this.#chain.getBlockNumber();
    const mined: MinedTransaction[] = [];
    for (; this.#nextBlock <= newest; this.#nextBlock += 1) {
      const block = (await this.#chain.send("eth_getBlockByNumber", [toQuantity(this.#nextBlock), true])) as Block;
      mined.push(...block.transactions);
    }
    return mined;
  }

  async #book({ hash, from, nonce, value }: MinedTransaction): Promise<void> {
    const books = this.#books.get(from);
    if (!books) {
      this.#complain(`a transaction of another account: ${from}`);
      return;
    }
    const receipt = (await this.#chain.send("eth_getTransactionReceipt", [hash])) as Receipt;
    if (receipt.status !== "0x1") this.#complain("a transaction was reverted");
    // In the order of the blocks: consecutive, from zero, each once.
    if (Number(nonce) !== books.mined) this.#complain(`nonce ${Number(nonce)} where ${books.mined} was due`);
    books.mined += 1;
    books.spent += BigInt(value) + BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice);
    this.totals.mined += 1;
    this.#sunk += BigInt(value);
  }

  async #audit(account: string, { opening, spent, mined }: Books): Promise<void> {
    const latest = await countOf(this.#chain, account, "latest");
    if (latest !== mined) this.#complain(`the chain counts ${latest} transactions where ${mined} were mined`);
    const balance = await this.#chain.getBalance(account);
    if (balance !== opening - spent) this.#complain(`an account has ${balance} wei instead of ${opening - spent}`);
  }
}
