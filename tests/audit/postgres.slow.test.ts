import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { migratePostgresAudit, postgresAudit, verifyAudit } from "../../src/audit/index.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { type Database, missingDatabase, startPostgres } from "../support/databases.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { denialEntry, intentEntry } from "./support/entries.ts";
import { newFolder } from "./support/folder.ts";

const missing = missingDatabase("Postgres");
const describeWithPostgres = missing === undefined ? describe : describe.skip;

describeWithPostgres(`a log in Postgres${missing === undefined ? "" : ` (${missing})`}`, () => {
  let server: Database;
  let pool: pg.Pool;
  const sql = {
    query: async (text: string, values: (string | number | null)[]) => (await pool.query(text, values)).rows,
  };

  beforeAll(async () => {
    server = await startPostgres();
    pool = new pg.Pool({ host: "127.0.0.1", port: server.port, user: "postgres" });
    pool.on("error", () => {});
    await Promise.all([migratePostgresAudit(sql), migratePostgresAudit(sql)]);
  });
  afterAll(async () => {
    await pool.end();
    await server.stop();
  });

  test("exported, is a log that verifies, and a changed row is named", async () => {
    const sinks = await Promise.all([postgresAudit(sql, { checkpointEvery: 7 }), postgresAudit(sql)]);
    const signers = sinks.map((audit) => new RemoteSigner(new MemoryKey(`0x${"11".repeat(32)}`), null, { audit }));
    await Promise.all(signers.flatMap((signer) => Array.from({ length: 20 }, () => signer.signMessage("héllo"))));
    await sinks[1]?.append(denialEntry());
    await Promise.all(sinks.map((sink) => sink.close()));
    const report = await verifyAudit(await exportLogs());
    expect(report).toMatchObject({ faults: [], unfinished: [], files: [{ isClosed: true }, { isClosed: true }] });
    await pool.query("update ethers_hsm.audit_lines set line = replace(line, 'message', 'massage') where seq = 5");
    expect((await verifyAudit(await exportLogs())).faults.map(({ line }) => line)).toEqual([5, 5]);
  });

  test("needs the right to insert alone, and refuses everything once a statement failed", async () => {
    await pool.query(
      "create role app login; grant usage on schema ethers_hsm to app; grant insert on ethers_hsm.audit_lines to app",
    );
    const app = new pg.Pool({ host: "127.0.0.1", port: server.port, user: "app", database: "postgres" });
    const query = async (text: string, values: (string | number | null)[]) => (await app.query(text, values)).rows;
    const audit = await postgresAudit({ query });
    await audit.append(intentEntry());
    await pool.query("revoke insert on ethers_hsm.audit_lines from app");
    const key = new MemoryKey(`0x${"11".repeat(32)}`);
    const signer = new RemoteSigner(key, null, { audit });
    await expect(signer.signMessage("hi")).rejects.toMatchObject({ code: "AUDIT_FAILED" });
    await pool.query("grant insert on ethers_hsm.audit_lines to app");
    await expect(signer.signMessage("hi")).rejects.toMatchObject({ code: "AUDIT_FAILED" });
    expect(key.signatures).toBe(0);
    await audit.close();
    await app.end();
  });

  test("a name that is not one is refused, and a table that is missing", async () => {
    await expect(postgresAudit(sql, { schema: "a; drop" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(postgresAudit(sql, { schema: "elsewhere" })).rejects.toMatchObject({ code: "AUDIT_FAILED" });
  });

  /** As docs/audit.md says. */
  async function exportLogs(): Promise<string> {
    const folder = newFolder();
    const { rows } = await pool.query(
      "select log, string_agg(line || chr(10), '' order by seq) as text from ethers_hsm.audit_lines group by log",
    );
    for (const { log, text } of rows) writeFileSync(join(folder, log), text);
    return folder;
  }
});
