import { onAbort } from "../signer/on-abort.ts";
import type { Login } from "./login.ts";
import type { Pkcs11Session } from "./session.ts";

/** A user of a pool of sessions: what it asks of it, and its right to log in. */
export interface PoolUser {
  readonly login: Login;
  /** How many sessions may work at once. The pool has as many as the most demanding of its users asks for. */
  readonly sessions: number;
  /** How many calls may wait, of all users together. */
  readonly maxQueue: number;
}

/** A call that waits for a session. */
export interface WaitingCall {
  readonly user: PoolUser;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (session: Pkcs11Session) => void;
  readonly reject: (error: unknown) => void;
}

/** The calls that wait for a session. Their lanes take turns: a thousand calls of one do not keep one call of another waiting. */
export class CallQueue {
  // In the order of their turns. A lane without calls is not in it.
  readonly #lanes = new Map<object, Set<WaitingCall>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Waits for the turn. `signal` ends the wait. */
  add(lane: object, user: PoolUser, signal: AbortSignal | undefined): Promise<Pkcs11Session> {
    let unlisten: (() => void) | undefined;
    const turn = new Promise<Pkcs11Session>((resolve, reject) => {
      const call: WaitingCall = { user, signal, resolve, reject };
      this.#lanes.set(lane, (this.#lanes.get(lane) ?? new Set()).add(call));
      this.#size += 1;
      const leave = () => {
        this.#delete(lane, call);
        reject(signal?.reason);
      };
      unlisten = signal && onAbort(signal, leave);
    });
    return turn.finally(unlisten);
  }

  /** The first call of the lane whose turn it is; that lane's next turn comes after all others'. */
  take(): WaitingCall | undefined {
    const [turn] = this.#lanes;
    if (turn === undefined) return undefined;
    const [lane, calls] = turn;
    const [call] = calls as Set<WaitingCall>;
    this.#delete(lane, call as WaitingCall);
    if (this.#lanes.delete(lane)) this.#lanes.set(lane, calls);
    return call;
  }

  rejectAll(reason: unknown): void {
    for (let call = this.take(); call; call = this.take()) call.reject(reason);
  }

  #delete(lane: object, call: WaitingCall): void {
    const calls = this.#lanes.get(lane);
    if (!calls?.delete(call)) return;
    this.#size -= 1;
    if (calls.size === 0) this.#lanes.delete(lane);
  }
}
