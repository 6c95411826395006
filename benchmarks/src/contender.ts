/** Something that signs, opened in a process of its own. */
export interface Contender {
  /** Signs once. */
  perform(): Promise<unknown>;
  /** Signs once more and throws where the signature is not by the account that was asked for. */
  prove(): Promise<void>;
}

/** What a module of `contenders/` exports, by the contender's name. */
export type Contenders<Config> = Readonly<Record<string, (config: Config) => Promise<Contender>>>;

export interface Load {
  /** Signatures. */
  readonly count: number;
  /** How many are under way at once. */
  readonly inFlight: number;
}

/** What one process spent on a load. Milliseconds, but for `perSecond`. */
export interface Sample {
  readonly p50: number;
  readonly p95: number;
  /** CPU time of the whole process, all threads, for one signature. */
  readonly cpu: number;
  readonly perSecond: number;
  /** 99 % of the event loop's turns came no later than this after they were due. */
  readonly loopDelayP99: number;
}
