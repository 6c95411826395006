/** Items of several owners, taken in turn: one owner's thousand do not keep another's one waiting. */
export class FairQueue<T> {
  // In the order of their turns. An owner without items is not in it.
  readonly #queues = new Map<object, Set<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(owner: object, item: T): void {
    const items = this.#queues.get(owner) ?? new Set();
    this.#queues.set(owner, items.add(item));
    this.#size += 1;
  }

  /** The first item of the owner whose turn it is; that owner's next turn comes after all others'. */
  take(): T | undefined {
    const [turn] = this.#queues;
    if (turn === undefined) return undefined;
    const [owner, items] = turn;
    const [item] = items as Set<T>;
    this.#queues.delete(owner);
    items.delete(item as T);
    if (items.size > 0) this.#queues.set(owner, items);
    this.#size -= 1;
    return item;
  }

  delete(owner: object, item: T): void {
    const items = this.#queues.get(owner);
    if (!items?.delete(item)) return;
    this.#size -= 1;
    if (items.size === 0) this.#queues.delete(owner);
  }
}
