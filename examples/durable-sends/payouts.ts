import { DBOS } from "@dbos-inc/dbos-sdk";
import { JsonRpcProvider } from "ethers";
import { isSignerError } from "ethers-hsm";
import { postgresNonceStore, withNonces } from "ethers-hsm/nonces";
import { signerFromUri } from "ethers-hsm/uri";
import pg from "pg";

/** Where the key, the node and the database are. DBOS has its tables in the same database, in a schema of its own. */
export interface Settings {
  readonly keyUri: string;
  readonly rpcUrl: string;
  readonly databaseUrl: string;
}

/**
 * Payouts that are made once, however often the process ends. DBOS runs a step at least once: again, if the process ended before the step's
 * result was stored. The step's idempotency key makes the payment at most once.
 */
export async function openPayouts({ keyUri, rpcUrl, databaseUrl }: Settings) {
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true });
  const pool = new pg.Pool({ connectionString: databaseUrl });
  // An idle connection that breaks is replaced.
  pool.on("error", (error) => console.error(`the database: ${error.message}`));
  const nonces = postgresNonceStore({ query: async (text, values) => (await pool.query(text, values)).rows });
  await nonces.migrate();
  const key = await signerFromUri(keyUri, provider);
  const signer = withNonces(key, nonces);

  /** Sends, and waits for the receipt. What DBOS stores are strings: wei have more digits than a number. */
  async function send(idempotencyKey: string, to: string, wei: string): Promise<string> {
    const response = await signer.sendTransaction({ to, value: BigInt(wei), customData: { idempotencyKey } });
    console.log(`sent ${response.hash}`);
    await response.wait();
    return response.hash;
  }

  async function payout(to: string, wei: string): Promise<string> {
    const id = DBOS.workflowID ?? "";
    const hash = await DBOS.runStep(() => send(`payout ${id}`, to, wei), {
      name: "send",
      retriesAllowed: true,
      maxAttempts: 10,
      shouldRetry: (error) => isSignerError(error) && error.retryable,
    });
    await DBOS.runStep(async () => console.log(`booked ${id} ${hash}`), { name: "book" });
    return hash;
  }

  const workflow = DBOS.registerWorkflow(payout, { name: "payout" });
  DBOS.setConfig({ name: "payouts", systemDatabaseUrl: databaseUrl, logLevel: "error" });
  // What an earlier process left in the middle goes on from here.
  await DBOS.launch();

  return {
    address: await signer.getAddress(),

    /** Starts a payout, or finds the one that has this id, and waits for its transaction's hash. */
    async pay(id: string, to: string, wei: bigint): Promise<string> {
      const handle = await DBOS.startWorkflow(workflow, { workflowID: id })(to, wei.toString());
      return handle.getResult();
    },

    async close(): Promise<void> {
      await DBOS.shutdown();
      provider.destroy();
      await key.close();
      await pool.end();
    },
  };
}
