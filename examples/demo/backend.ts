import type { Provider } from "ethers";
import type { RemoteSigner } from "ethers-hsm";

/** Where the demo's key lives. */
export interface DemoBackend {
  /** One line for the reader. */
  readonly description: string;
  /** A signer for the key: a new one where the demo brings a stand-in of the service. */
  open(provider: Provider): Promise<RemoteSigner>;
  /** Removes what `open` made, after the signer was closed. */
  close(): Promise<void>;
}
