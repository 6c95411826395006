import type { RemoteKey } from "../../signer/remote-key.ts";

/** The body of a case: it gets a fresh key. */
export type Requirement = (key: RemoteKey) => Promise<void>;
