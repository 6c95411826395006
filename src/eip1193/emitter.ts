/** A listener of one event of `Events`, which maps names to the one argument of their listeners. */
export type Listener<Argument> = (argument: Argument) => void;

/** What is done when an event gets its first listener; the function that it returns is called after the last has gone. */
export type Watch<Events> = { readonly [Name in keyof Events]?: () => () => void };

interface Registration {
  readonly listener: unknown;
  readonly call: (argument: unknown) => void;
}

/**
 * The part of Node's EventEmitter that EIP-1193 asks for, without Node: listeners run in the order in which they were
 * added, and as often as they were added. One that throws disturbs neither the others nor the request that caused the
 * event: its error is thrown apart, as an uncaught one.
 */
export class Emitter<Events extends object> {
  readonly #registrations = new Map<keyof Events, readonly Registration[]>();
  readonly #watch: Watch<Events>;
  readonly #unwatch = new Map<keyof Events, () => void>();

  constructor(watch: Watch<Events> = {}) {
    this.#watch = watch;
  }

  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): void {
    this.#add(name, { listener, call: listener as Registration["call"] });
  }

  once<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): void {
    const call = (argument: unknown) => {
      this.off(name, listener);
      listener(argument as Events[Name]);
    };
    this.#add(name, { listener, call });
  }

  /** Removes the listener that was added last, once. */
  off<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): void {
    const registrations = this.#of(name);
    const index = registrations.findLastIndex((each) => each.listener === listener);
    if (index < 0) return;
    this.#registrations.set(name, registrations.toSpliced(index, 1));
    if (registrations.length > 1) return;
    this.#unwatch.get(name)?.();
    this.#unwatch.delete(name);
  }

  emit<Name extends keyof Events>(name: Name, argument: Events[Name]): void {
    for (const { call } of this.#of(name)) {
      try {
        call(argument);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #add(name: keyof Events, registration: Registration): void {
    const registrations = this.#of(name);
    this.#registrations.set(name, [...registrations, registration]);
    const unwatch = registrations.length === 0 ? this.#watch[name]?.() : undefined;
    if (unwatch) this.#unwatch.set(name, unwatch);
  }

  #of(name: keyof Events): readonly Registration[] {
    return this.#registrations.get(name) ?? [];
  }
}
