/** A search of the token's objects, a call that changes them, or such a call with no other beside it. */
type Kind = "search" | "change" | "alone";

interface Waiter {
  readonly kind: Kind;
  readonly enter: () => void;
}

/**
 * Keeps searches apart from calls that make or remove objects, in one library: SoftHSM2 reads half-written objects in a search,
 * and fails both calls. Calls of one kind run beside each other. Once one of another kind waits, new ones wait too, and those
 * that wait for one turn share it: no kind starves.
 */
export class ObjectGate {
  #waiting: Waiter[] = [];
  #turn: Kind = "search";
  #inside = 0;

  /** `signal` ends the wait for the turn, not the call. */
  async run<T>(kind: Kind, call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const isOpen = this.#turn === kind && kind !== "alone" && this.#waiting.length === 0;
    if (this.#inside > 0 && !isOpen) await this.#wait(kind, signal);
    else this.#enter(kind);
    try {
      return await call();
    } finally {
      this.#inside -= 1;
      if (this.#inside === 0) this.#next();
    }
  }

  #enter(kind: Kind): void {
    this.#turn = kind;
    this.#inside += 1;
  }

  #next(): void {
    const [first] = this.#waiting;
    const shares = (waiter: Waiter) => waiter === first || (waiter.kind === first?.kind && waiter.kind !== "alone");
    const admitted = this.#waiting.filter(shares);
    this.#waiting = this.#waiting.filter((waiter) => !shares(waiter));
    for (const { kind, enter } of admitted) {
      this.#enter(kind);
      enter();
    }
  }

  #wait(kind: Kind, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        if (this.#waiting[0]?.kind === this.#turn && this.#turn !== "alone") this.#next();
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        kind,
        enter: () => {
          signal?.removeEventListener("abort", leave);
          resolve();
        },
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#waiting.push(waiter);
    });
  }
}
