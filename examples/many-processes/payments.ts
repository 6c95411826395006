import { JsonRpcProvider } from "ethers";
import { isSignerError } from "ethers-hsm";
import { postgresNonceStore, withNonces } from "ethers-hsm/nonces";
import { signerFromUri } from "ethers-hsm/uri";
import pg from "pg";

/** Where the key, the node and the database are. */
export interface Settings {
  readonly keyUri: string;
  readonly rpcUrl: string;
  readonly databaseUrl: string;
}

export interface Payment {
  /** The same for every try of the same payment, in every process. */
  readonly id: string;
  readonly to: string;
  readonly wei: bigint;
}

/** Payments from one account that other processes pay from at the same time. */
export async function openPayments({ keyUri, rpcUrl, databaseUrl }: Settings) {
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true });
  const pool = new pg.Pool({ connectionString: databaseUrl });
  // An idle connection that breaks is replaced.
  pool.on("error", (error) => console.error(`the database: ${error.message}`));
  const nonces = postgresNonceStore({ query: async (text, values) => (await pool.query(text, values)).rows });
  const key = await signerFromUri(keyUri, provider);
  const signer = withNonces(key, nonces);
  return {
    /** Once, before the processes start; it needs the right to create. */
    migrate: () => nonces.migrate(),

    /** Pays, and answers with the transaction's hash. A payment that is made already is answered for, and not made again. */
    async pay({ id, to, wei }: Payment): Promise<string> {
      for (;;) {
        try {
          const { hash } = await signer.sendTransaction({ to, value: wei, customData: { idempotencyKey: id } });
          return hash;
        } catch (error) {
          // The same bytes are broadcast, or nothing was signed: either may be tried again.
          if (!isSignerError(error) || !error.retryable) throw error;
          console.error(`${id}: ${error.message}`);
          await new Promise((resolve) => setTimeout(resolve, 1_000));
        }
      }
    },

    /** What processes left that ended in the middle. A later payment would do the same. */
    reconcile: () => signer.reconcile({ fill: true }),

    async close(): Promise<void> {
      provider.destroy();
      await key.close();
      await pool.end();
    },
  };
}
