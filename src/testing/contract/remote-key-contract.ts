import { withDeadline } from "../../signer/deadline.ts";
import type { RemoteKey } from "../../signer/remote-key.ts";
import { endings } from "./endings.ts";
import { ContractFailure } from "./expectation.ts";
import { identityCases } from "./identity.ts";
import { requestCases } from "./requests.ts";
import type { Requirement } from "./requirement.ts";
import { signatureCases } from "./signatures.ts";

/** One case of a contract, for any test framework. */
export interface ContractCase {
  /** What it shows, as a sentence. */
  readonly name: string;
  /** Makes a key, tests it, and closes it. @throws ContractFailure, or whatever the key throws. */
  readonly run: () => Promise<void>;
}

/** What the contract needs of the key under test. */
export interface RemoteKeyContractOptions {
  /** The longest that one case may take, in milliseconds. Default: 30,000. */
  readonly timeout?: number | undefined;
}

/**
 * What every {@link RemoteKey} must do: `RemoteSigner` and all that stands on it rely on this.
 *
 * It covers the public key, signatures over 32 bytes as they are, parallel calls, the caller's signal, and closing. A run asks
 * some 75 signatures of the backend, at most 25 at once; with a service that costs money, so does this. It tests no failures of
 * the backend: make them happen, and expect SignerErrors.
 *
 * @param create a new key over the same key pair each time, which the case closes.
 * @example
 * for (const { name, run } of remoteKeyContract(() => new MyKey(options))) test(name, run);
 */
export function remoteKeyContract(
  create: () => RemoteKey | Promise<RemoteKey>,
  { timeout = 30_000 }: RemoteKeyContractOptions = {},
): readonly ContractCase[] {
  const requirements = { ...identityCases, ...signatureCases, ...requestCases, ...endings };
  return Object.entries(requirements).map(([name, requirement]) => ({
    name,
    run: () => {
      const error = () => new ContractFailure(`"${name}" did not end within ${timeout} ms`);
      return withDeadline(() => runWith(create, requirement), { deadline: { ms: timeout, error } });
    },
  }));
}

async function runWith(create: () => RemoteKey | Promise<RemoteKey>, requirement: Requirement): Promise<void> {
  const key = await create();
  try {
    await requirement(key);
  } finally {
    await key.close?.();
  }
}
