import { assertArgument } from "ethers";
import type { PostgresSql } from "../nonces/postgres-store.ts";
import type { LimitChange, LimitEntry, LimitStore, LimitView } from "./limit-store.ts";

/** Where the tables are. */
export interface PostgresLimitStoreOptions {
  /** The schema of the tables: lower-case letters, digits and underscores. Default: "ethers_hsm", as for nonces. */
  readonly schema?: string | undefined;
}

/** A {@link LimitStore} in Postgres. */
export interface PostgresLimitStore extends LimitStore {
  /**
   * Creates the schema and the tables. Any number of processes may call it at once. It needs the right to create; afterwards select, insert, update
   * and delete on the tables do.
   */
  migrate(): Promise<void>;
}

const NOW = "(extract(epoch from clock_timestamp()) * 1000)::bigint";

interface Row {
  readonly id: string;
  readonly ref: string;
  readonly amount: string;
  readonly at: number;
  readonly until: number;
}

/**
 * A store in Postgres, beside the nonces or apart. Each step is one statement, so that any pool and any pooler will do. It relies on READ COMMITTED,
 * the default, and loses nothing that it confirmed unless `synchronous_commit` is off, or a replica that lags takes over.
 *
 * @param sql the adapter that `postgresNonceStore` of `ethers-hsm/nonces` takes.
 */
export function postgresLimitStore(
  sql: PostgresSql,
  { schema = "ethers_hsm" }: PostgresLimitStoreOptions = {},
): PostgresLimitStore {
  const isName = /^[a-z_][a-z0-9_]{0,62}$/.test(schema);
  assertArgument(isName, "it must be lower-case letters, digits and underscores", "schema", schema);
  const [limits, entries] = [`${schema}.policy_limits`, `${schema}.policy_limit_entries`];
  return {
    async migrate() {
      // One statement is one transaction, with every client.
      await sql.query(
        `do $$ begin
          perform pg_advisory_xact_lock(hashtext('ethers-hsm limits ${schema}'));
          create schema if not exists ${schema};
          create table if not exists ${limits} (limit_id text primary key, version bigint not null);
          create table if not exists ${entries} (
            limit_id text not null,
            id text not null,
            ref text not null,
            amount numeric(78) not null,
            at bigint not null,
            until bigint not null,
            primary key (limit_id, id)
          );
        end $$`,
        [],
      );
    },
    async read(limit): Promise<LimitView> {
      const [row] = (await sql.query(
        `select ${NOW} as now,
          coalesce((select version from ${limits} where limit_id = $1), 0) as version,
          (select coalesce(json_agg(json_build_object(
            'id', id, 'ref', ref, 'amount', amount::text, 'at', at, 'until', until)), '[]')
            from ${entries} where limit_id = $1)::text as entries`,
        [limit],
      )) as { now: string; version: string; entries: string }[];
      if (!row) throw new Error("Postgres returned no row");
      const rows = JSON.parse(row.entries) as Row[];
      return { now: Number(row.now), version: Number(row.version), entries: rows.map(toEntry) };
    },
    async write(limit, version, { put, remove }: LimitChange) {
      // A writer waits for the row of the limit, and finds its version again before it does anything.
      const rows = await sql.query(
        `with moved as (
          insert into ${limits} as known (limit_id, version) values ($1, $2::bigint + 1)
            on conflict (limit_id) do update set version = excluded.version where known.version = $2::bigint
            returning limit_id
        ), deleted as (
          delete from ${entries} using moved
            where ${entries}.limit_id = moved.limit_id and id in (select json_array_elements_text($3::text::json))
        ), added as (
          insert into ${entries} (limit_id, id, ref, amount, at, until)
            select moved.limit_id, id, ref, amount::numeric, at, until
              from moved, json_to_recordset($4::text::json) as each (id text, ref text, amount text, at bigint, until bigint)
            on conflict (limit_id, id) do update set at = excluded.at, until = excluded.until
        ) select limit_id from moved`,
        [
          limit,
          version,
          JSON.stringify(remove),
          JSON.stringify(put.map((each) => ({ ...each, amount: `${each.amount}` }))),
        ],
      );
      return rows.length > 0;
    },
  };
}

function toEntry({ id, ref, amount, at, until }: Row): LimitEntry {
  return { id, ref, amount: BigInt(amount), at, until };
}
