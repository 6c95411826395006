// Runs the contract of nonce stores over PGlite, which cannot be loaded under jest, and writes the name of each case that it passes.

import { PGlite } from "@electric-sql/pglite";
import { postgresNonceStore } from "../../../src/nonces/postgres-store.ts";
import { nonceStoreContract } from "../../../src/testing/index.ts";

const database = new PGlite();
const store = postgresNonceStore({ query: async (text, values) => (await database.query<object>(text, values)).rows });
await store.migrate();
await store.migrate();
for (const { name, run } of nonceStoreContract(() => store)) {
  await run();
  process.stdout.write(`${name}\n`);
}
await database.close();
