import type { Provider } from "ethers";
import type { RemoteSigner } from "ethers-hsm";

/** Where the demo's key lives. */
export interface DemoBackend {
  /** One line for the reader. */
  readonly description: string;
  /** Makes a new key there and gives a signer for it. */
  open(provider: Provider): Promise<RemoteSigner>;
  /** Removes what `open` made, after the signer was closed. */
  close(): Promise<void>;
}
