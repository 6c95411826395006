import type { Provider } from "ethers";
import type { NonceStore } from "../../../src/nonces/store.ts";
import type { RemoteSigner } from "../../../src/signer/remote-signer.ts";
import { separate } from "./world.ts";

/** Where a send, or a replacement, may stop. */
export type StopPoint =
  | "before the estimate"
  | "before the signature"
  | "signed, before the commit"
  | "committed, and the answer is lost"
  | "before the broadcast"
  | "broadcast, and the answer is lost"
  | "accepted, before the mark"
  | "the replacement is signed, before it is recorded"
  | "the replacement is recorded, and the answer is lost";

export const STOP_POINTS: readonly StopPoint[] = [
  "before the estimate",
  "before the signature",
  "signed, before the commit",
  "committed, and the answer is lost",
  "before the broadcast",
  "broadcast, and the answer is lost",
  "accepted, before the mark",
];

/** Those of a replacement. */
export const REPLACEMENT_STOP_POINTS: readonly StopPoint[] = [
  "the replacement is signed, before it is recorded",
  "the replacement is recorded, and the answer is lost",
];

interface Parts {
  readonly signer: RemoteSigner;
  readonly store: NonceStore;
}

/** The same signer and store, which call `stop` at this point, once. */
export function stopAt({ signer, store }: Parts, point: StopPoint, stop: () => Promise<void>): Parts {
  const own = separate(store);
  const provider = signer.provider as Provider;
  let isOver = false;
  const at = async (here: StopPoint) => {
    if (here !== point || isOver) return;
    isOver = true;
    await stop();
  };
  const { populateTransaction, signTransaction } = signer;
  const { broadcastTransaction } = provider;
  const { commit, attempt, mark } = own;
  signer.populateTransaction = async (...parameters) => {
    await at("before the estimate");
    return populateTransaction.apply(signer, parameters);
  };
  signer.signTransaction = async (...parameters) => {
    await at("before the signature");
    return signTransaction.apply(signer, parameters);
  };
  own.commit = async (...parameters) => {
    await at("signed, before the commit");
    const result = await commit(...parameters);
    await at("committed, and the answer is lost");
    return result;
  };
  own.attempt = async (...parameters) => {
    await at("the replacement is signed, before it is recorded");
    const result = await attempt(...parameters);
    await at("the replacement is recorded, and the answer is lost");
    return result;
  };
  provider.broadcastTransaction = async (raw) => {
    await at("before the broadcast");
    const response = await broadcastTransaction.call(provider, raw);
    await at("broadcast, and the answer is lost");
    return response;
  };
  own.mark = async (...parameters) => {
    await at("accepted, before the mark");
    return mark(...parameters);
  };
  return { signer, store: own };
}
