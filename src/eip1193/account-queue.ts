/** A sequence of holders: each one's turn comes when all that entered before it have left. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  enter(): { readonly turn: Promise<unknown>; readonly leave: () => void } {
    const turn = this.#last;
    let leave = () => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    this.#last = Promise.all([turn, left]);
    return { turn, leave };
  }
}

/** One transaction among those of its account. */
export interface QueueEntry {
  /** Fulfils when the transaction before this one is being broadcast. */
  readonly signingTurn: Promise<unknown>;
  /** Fulfils when the transaction before this one was accepted, or failed. */
  readonly broadcastTurn: Promise<unknown>;
  /** Whether it waits for nothing any more. */
  readonly hasLeft: boolean;
  /** Lets the next transaction be signed. */
  startBroadcast(): void;
  /** Ends the wait of the later ones. It may be called at any time, and more than once. */
  leave(): void;
}

/** The transactions of one account, in the order of the requests. */
export class AccountQueue {
  readonly #signing = new Turns();
  readonly #broadcasting = new Turns();
  #size = 0;

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  enter(): QueueEntry {
    const signing = this.#signing.enter();
    const broadcasting = this.#broadcasting.enter();
    let hasLeft = false;
    this.#size += 1;
    return {
      signingTurn: signing.turn,
      broadcastTurn: broadcasting.turn,
      get hasLeft() {
        return hasLeft;
      },
      startBroadcast: signing.leave,
      leave: () => {
        if (hasLeft) return;
        hasLeft = true;
        this.#size -= 1;
        signing.leave();
        broadcasting.leave();
      },
    };
  }
}
