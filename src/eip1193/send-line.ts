/** A send's place among those of its account. */
export interface Place {
  /** Whether nobody stands before it. */
  readonly isFirst: boolean;
  /** Fulfils when nobody stands before it any more. */
  readonly turn: Promise<void>;
}

class LinePlace implements Place {
  isFirst = false;
  readonly turn: Promise<void>;
  readonly explicit: boolean;
  #open: () => void = () => {};

  constructor(explicit: boolean) {
    this.explicit = explicit;
    this.turn = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.isFirst = true;
    this.#open();
  }
}

/**
 * The sends of one account in the order in which they were asked for. Whoever is first may broadcast; the others may sign
 * meanwhile with the nonce that they will get if nobody before them fails.
 */
export class SendLine {
  #places: readonly LinePlace[] = [];
  #first: Promise<number> | undefined;

  get isEmpty(): boolean {
    return this.#places.length === 0;
  }

  /** @param explicit whether the caller chose the nonce, and so takes none of the line's. */
  enter(explicit: boolean): Place {
    const place = new LinePlace(explicit);
    this.#places = [...this.#places, place];
    this.#places[0]?.open();
    return place;
  }

  /**
   * The nonce that `place` gets if all before it are sent. It is a guess: compare it with the truth when its turn comes.
   *
   * @param next asks for the nonce of whoever is first.
   */
  async expectedNonce(place: Place, next: () => Promise<number>): Promise<number> {
    for (;;) {
      this.#first ??= next();
      const asked = this.#first;
      try {
        const first = await asked;
        // Somebody may have left the line meanwhile.
        if (asked === this.#first) return first + this.#numberBefore(place);
      } catch (error) {
        if (asked === this.#first) this.#first = undefined;
        throw error;
      }
    }
  }

  /** @param usedNonce the nonce that the line gave it and that is used up now; none where it failed or chose its own. */
  leave(place: Place, usedNonce?: number): void {
    this.#places = this.#places.filter((each) => each !== place);
    if (usedNonce !== undefined) this.#first = Promise.resolve(usedNonce + 1);
    if (this.isEmpty) this.#first = undefined;
    this.#places[0]?.open();
  }

  #numberBefore(place: Place): number {
    const places: readonly Place[] = this.#places;
    const before = this.#places.slice(0, places.indexOf(place));
    return before.filter(({ explicit }) => !explicit).length;
  }
}
