// A process that makes one payout.
//
//   worker.ts ID TO WEI

import { openPayouts } from "./payouts.ts";

const [id = "", to = "", wei = "0"] = process.argv.slice(2);
const { ETHERS_HSM_KEY: keyUri = "", ETHERS_HSM_RPC: rpcUrl = "", DATABASE_URL: databaseUrl = "" } = process.env;

const payouts = await openPayouts({ keyUri, rpcUrl, databaseUrl });
console.log(`paid ${await payouts.pay(id, to, BigInt(wei))}`);
await payouts.close();
