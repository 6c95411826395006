// One of several processes that pay from the same account. It pays so many, and writes a line for each.
//
//   worker.ts NAME COUNT TO

import { openPayments } from "./payments.ts";

const [name = "", count = "0", to = ""] = process.argv.slice(2);
const { ETHERS_HSM_KEY: keyUri = "", ETHERS_HSM_RPC: rpcUrl = "", DATABASE_URL: databaseUrl = "" } = process.env;

const payments = await openPayments({ keyUri, rpcUrl, databaseUrl });
for (let index = 0; index < Number(count); index += 1) {
  const id = `${name} ${index}`;
  console.log(`${id} ${await payments.pay({ id, to, wei: 1n })}`);
}
await payments.close();
