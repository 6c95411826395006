import { JsonRpcProvider, Network, NonceManager } from "ethers";
import { RemoteSigner } from "ethers-hsm";
import { memoryNonceStore, type NonceStore, postgresNonceStore, redisNonceStore, withNonces } from "ethers-hsm/nonces";
import { TestKey } from "ethers-hsm/testing";
import { toViemAccount } from "ethers-hsm/viem";
import pg from "pg";
import { createClient } from "redis";
import { createWalletClient, http } from "viem";
import { createNonceManager, jsonRpc } from "viem/nonce";

/** Whose nonces count. */
export type Counter = "memory" | "postgres" | "redis" | "ethers" | "viem";

/** Payments of 1 wei, one to each of these accounts. */
export interface NoncesMessage {
  readonly counter: Counter;
  /** Of the database. */
  readonly port: number;
  readonly rpc: string;
  readonly secret: string;
  readonly to: readonly string[];
  readonly inFlight: number;
}

export interface NoncesReply {
  /** Until every payment was sent, or given up. */
  readonly milliseconds: number;
  /** CPU time of the process, in milliseconds. */
  readonly cpu: number;
  readonly signatures: number;
  /** Payments of which the caller was told that they were sent. */
  readonly told: number;
}

const CHAIN_ID = 31337;
/** How often a payment is tried whose send failed, and how long a caller waits first; twice as long each time. */
const [TRIES, WAIT] = [7, 50];
/** How long nodes may disagree: so short that a payment whose nonce another one used is sent again while its caller tries. */
const GRACE = 1_000;

/** Sends each payment, again if that fails, as a caller does who knows no more than the error. */
export async function answer({ counter, port, rpc, secret, to, inFlight }: NoncesMessage): Promise<NoncesReply> {
  const network = new Network("anvil", CHAIN_ID);
  const provider = new JsonRpcProvider(rpc, network, { staticNetwork: network, cacheTimeout: -1 });
  const key = new TestKey(secret);
  let signatures = 0;
  const signDigest = key.signDigest.bind(key);
  key.signDigest = async (...parameters) => {
    signatures += 1;
    return signDigest(...parameters);
  };
  const { send, close } = await open(counter, new RemoteSigner(key, provider), rpc, port);
  const [started, before] = [performance.now(), process.cpuUsage()];
  const waiting = [...to];
  let told = 0;
  const work = async () => {
    for (let payee = waiting.shift(); payee !== undefined; payee = waiting.shift()) {
      if (await tryOften(send, payee)) told += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  const { user, system } = process.cpuUsage(before);
  const reply = { milliseconds: performance.now() - started, cpu: (user + system) / 1_000, signatures, told };
  await close();
  provider.destroy();
  return reply;
}

async function tryOften(send: (to: string) => Promise<unknown>, to: string): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      await send(to);
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, WAIT * 2 ** tries));
    }
  }
  return false;
}

interface Sender {
  send(to: string): Promise<unknown>;
  close(): Promise<void>;
}

async function open(counter: Counter, signer: RemoteSigner, rpc: string, port: number): Promise<Sender> {
  if (counter === "ethers") {
    const manager = new NonceManager(signer);
    return { send: (to) => manager.sendTransaction({ to, value: 1n }), close: async () => {} };
  }
  if (counter === "viem") {
    const account = await toViemAccount(signer, { nonceManager: createNonceManager({ source: jsonRpc() }) });
    const nativeCurrency = { name: "ether", symbol: "ETH", decimals: 18 };
    const chain = { id: CHAIN_ID, name: "anvil", nativeCurrency, rpcUrls: { default: { http: [rpc] } } };
    const client = createWalletClient({ account, chain, transport: http(rpc) });
    return { send: (to) => client.sendTransaction({ to: to as `0x${string}`, value: 1n }), close: async () => {} };
  }
  const { store, close } = await openStore(counter, port);
  const sender = withNonces(signer, store, { grace: GRACE });
  return { send: (to) => sender.sendTransaction({ to, value: 1n, customData: { idempotencyKey: to } }), close };
}

async function openStore(
  counter: "memory" | "postgres" | "redis",
  port: number,
): Promise<{ readonly store: NonceStore; close(): Promise<void> }> {
  if (counter === "memory") return { store: memoryNonceStore(), close: async () => {} };
  if (counter === "postgres") {
    const pool = new pg.Pool({ host: "127.0.0.1", port, user: "postgres", database: "postgres" });
    const store = postgresNonceStore({ query: async (text, values) => (await pool.query(text, values)).rows });
    await store.migrate();
    return { store, close: () => pool.end() };
  }
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  await client.connect();
  const store = redisNonceStore({
    eval: (script, keys, parameters) => client.eval(script, { keys, arguments: parameters }),
  });
  return { store, close: async () => client.destroy() };
}
