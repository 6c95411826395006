import type { Provider, Signer } from "ethers";

/** Where the provider's accounts come from: an AccountDirectory, or anything of this shape. */
export interface AccountSource {
  /** The addresses that can sign now. The first is the one that applications take unless told otherwise. */
  accounts(): Promise<readonly string[]> | readonly string[];
  /** The signer of one of them. It is asked at every request, so that it may change. */
  getSigner(address: string, provider: Provider | null): Promise<Signer> | Signer;
  /** Tells that `accounts()` may answer something else now. */
  on?(event: "change", listener: () => void): unknown;
  /** Ends what `on` began. */
  off?(event: "change", listener: () => void): unknown;
}
