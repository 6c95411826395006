import { assertArgument } from "ethers";
import type { AuditSink } from "../signer/audit-sink.ts";
import { AuditLog, type AuditLogOptions, auditFailure, checkLogOptions, type LogWriter } from "./audit-log.ts";
import { Chain, type Position } from "./chain.ts";
import { nameOf, type StartLine, startLine } from "./folder.ts";

/** What is needed of a client of Postgres: one statement with its values, $1, $2, …; its rows. */
export interface PostgresSql {
  /** Runs one statement with its values, $1, $2, …. @returns its rows. */
  query(text: string, values: (string | number | null)[]): Promise<readonly object[]>;
}

/** Where the lines are, and what every audit log accepts. */
export interface PostgresAuditOptions extends AuditLogOptions {
  /** The schema of the table: lower-case letters, digits and underscores. Default: "ethers_hsm". */
  readonly schema?: string | undefined;
}

/**
 * An audit log in Postgres, in the table `audit_lines` of the schema, with the lines that {@link fileAudit} writes: one chain per process
 * and start, whose name is in the column `log`. Each step is one statement. It relies on `synchronous_commit`, the default; if a statement
 * fails, nothing is signed any more with this log until the process starts again.
 *
 * The application needs `insert` on the table alone. Without `update` and `delete` its role cannot change what it wrote; a chain that another
 * role deleted as a whole shows against a checkpoint kept elsewhere only. To verify, export each chain into a file of its name.
 *
 * @param sql an adapter: for `pg`, `{ query: async (text, values) => (await pool.query(text, values)).rows }`; for `postgres`,
 *   `{ query: (text, values) => sql.unsafe(text, values) }`.
 * @throws ethers' INVALID_ARGUMENT; SignerError AUDIT_FAILED if the table cannot be written.
 */
export async function postgresAudit(sql: PostgresSql, options: PostgresAuditOptions = {}): Promise<AuditSink> {
  const table = tableOf(options);
  const checked = checkLogOptions(options);
  const start = startLine(checked.name, []);
  const rows = new LogRows(sql, table, start);
  try {
    await rows.write([start]);
  } catch (cause) {
    throw auditFailure("cannot be begun", cause);
  }
  return new AuditLog(checked, rows, async () => rows);
}

/** Creates the schema and the table, if they are not there. Any number of processes may call it at once; it needs the right to create. */
export async function migratePostgresAudit(
  sql: PostgresSql,
  options: Pick<PostgresAuditOptions, "schema"> = {},
): Promise<void> {
  const table = tableOf(options);
  const [schema] = table.split(".");
  await sql.query(
    `do $$
    begin
      perform pg_advisory_xact_lock(hashtext('ethers-hsm audit ${schema}'));
      create schema if not exists ${schema};
      create table if not exists ${table} (log text not null, seq integer not null, line text not null, primary key (log, seq));
    end $$`,
    [],
  );
}

/** @throws ethers' INVALID_ARGUMENT. */
function tableOf({ schema = "ethers_hsm" }: Pick<PostgresAuditOptions, "schema">): string {
  const isName = /^[a-z_][a-z0-9_]{0,62}$/.test(schema);
  assertArgument(isName, "it must be lower-case letters, digits and underscores", "schema", schema);
  return `${schema}.audit_lines`;
}

/** The rows of one chain. */
class LogRows implements LogWriter {
  readonly name: string;
  readonly origin: string;
  readonly isFull = false;
  readonly #sql: PostgresSql;
  readonly #table: string;
  readonly #chain = new Chain();

  constructor(sql: PostgresSql, table: string, { origin }: StartLine) {
    this.#sql = sql;
    this.#table = table;
    this.name = nameOf({ origin });
    this.origin = origin;
  }

  get last(): Position {
    return this.#chain.last;
  }

  /** One statement, which is one transaction: all of them, or none. */
  async write(lines: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
    const rows = lines.map((line) => {
      const text = this.#chain.next(line).toString().trimEnd();
      return { seq: this.#chain.last.seq, line: text };
    });
    await this.#sql.query(
      `insert into ${this.#table} (log, seq, line)
        select $1, each.seq, each.line from json_to_recordset($2::text::json) as each(seq integer, line text)`,
      [this.name, JSON.stringify(rows)],
    );
  }

  async close(): Promise<void> {
    // The client is the caller's.
  }
}
