import { assertArgument } from "ethers";
import {
  accountId,
  type NonceAccount,
  type NonceAttempt,
  type NonceChange,
  type NonceCommit,
  type NonceCommitResult,
  type NonceQuery,
  type NonceRecord,
  type NonceState,
  type NonceStore,
  type NonceView,
} from "./store.ts";

/** What is needed of a client of Postgres: one statement with its values, $1, $2, …; its rows. */
export interface PostgresSql {
  /** Runs one statement with its values, $1, $2, …. @returns its rows. */
  query(text: string, values: (string | number | null)[]): Promise<readonly object[]>;
}

/** Where the tables are. */
export interface PostgresNonceStoreOptions {
  /** The schema of the tables: lower-case letters, digits and underscores. Default: "ethers_hsm". */
  readonly schema?: string | undefined;
}

/** A {@link NonceStore} in Postgres. */
export interface PostgresNonceStore extends NonceStore {
  /**
   * Creates the schema, its tables and its indexes, or brings those of an earlier version up to date. Any number of processes may call it at
   * once. It needs the right to create; afterwards select, insert, update and delete on the tables do.
   *
   * @throws an error if a later version of this package has changed the schema.
   */
  migrate(): Promise<void>;
}

const VERSION = 1;
const LIVE = "('signed', 'accepted', 'mined', 'final')";
const NOW = "(extract(epoch from clock_timestamp()) * 1000)::bigint";
const COLUMNS =
  "id, nonce, state, version, attempts::text as attempts, key, intent, mined_hash, used_at, created_at, updated_at";

/**
 * A store in Postgres. Each step is one statement, so that any pool and any pooler will do. It relies on READ COMMITTED, the
 * default, and loses nothing that it confirmed unless `synchronous_commit` is off, or a replica that lags takes over.
 *
 * @param sql an adapter: for `pg`, `{ query: async (text, values) => (await pool.query(text, values)).rows }`; for `postgres`,
 *   `{ query: (text, values) => sql.unsafe(text, values) }`.
 */
export function postgresNonceStore(
  sql: PostgresSql,
  { schema = "ethers_hsm" }: PostgresNonceStoreOptions = {},
): PostgresNonceStore {
  assertArgument(
    /^[a-z_][a-z0-9_]{0,62}$/.test(schema),
    "it must be lower-case letters, digits and underscores",
    "schema",
    schema,
  );
  return new Store(sql, schema);
}

interface Row {
  readonly id: string;
  readonly nonce: string | number;
  readonly state: NonceState;
  readonly version: number;
  readonly attempts: string;
  readonly key: string | null;
  readonly intent: string;
  readonly mined_hash: string | null;
  readonly used_at: string | number | null;
  readonly created_at: string | number;
  readonly updated_at: string | number;
}

class Store implements PostgresNonceStore {
  readonly #sql: PostgresSql;
  readonly #schema: string;
  readonly #records: string;
  readonly #turns: string;

  constructor(sql: PostgresSql, schema: string) {
    this.#sql = sql;
    this.#schema = schema;
    this.#records = `${schema}.nonce_records`;
    this.#turns = `${schema}.nonce_turns`;
  }

  async migrate(): Promise<void> {
    const schema = this.#schema;
    // One statement is one transaction, with every client.
    await this.#sql.query(
      `do $$
      declare found integer;
      begin
        perform pg_advisory_xact_lock(hashtext('ethers-hsm nonces ${schema}'));
        create schema if not exists ${schema};
        create table if not exists ${schema}.nonce_version (version integer not null);
        select version into found from ${schema}.nonce_version;
        if found > ${VERSION} then
          raise exception 'the schema ${schema} has version %, and this ethers-hsm knows ${VERSION}: update it', found;
        end if;
        if found is null then
          create table ${this.#records} (
            account text not null,
            id text not null,
            nonce bigint not null,
            state text not null check (state in ('signed', 'accepted', 'mined', 'final', 'vacant', 'superseded')),
            version integer not null,
            attempts jsonb not null,
            key text,
            intent text not null,
            mined_hash text,
            used_at bigint,
            created_at bigint not null,
            updated_at bigint not null,
            primary key (account, id)
          );
          create unique index nonce_records_live on ${this.#records} (account, nonce) where state in ${LIVE};
          create unique index nonce_records_key on ${this.#records} (account, key) where state <> 'superseded';
          create index nonce_records_open on ${this.#records} (account, nonce) where state not in ('final', 'superseded');
          create table ${this.#turns} (account text primary key, owner text not null, until bigint not null);
          insert into ${schema}.nonce_version values (${VERSION});
        end if;
      end $$`,
      [],
    );
  }

  async read(account: NonceAccount, { key, id, mined = false }: NonceQuery = {}): Promise<NonceView> {
    const [row] = (await this.#sql.query(
      `select ${NOW} as now,
        (select coalesce(max(nonce) + 1, 0) from ${this.#records} where account = $1 and state in ${LIVE}) as next,
        (select coalesce(max(nonce) + 1, 0) from ${this.#records} where account = $1 and state in ('mined', 'final')) as settled,
        (select owner from ${this.#turns} where account = $1 and until > ${NOW}) as owner,
        (select until from ${this.#turns} where account = $1) as until,
        (select coalesce(json_agg(row_to_json(each) order by each.nonce, each.created_at), '[]') from (
          select ${COLUMNS} from ${this.#records} where account = $1 and state not in ('final', 'superseded')
            and ($4::integer = 1 or state <> 'mined')
        ) each)::text as open,
        (select row_to_json(each) from (
          select ${COLUMNS} from ${this.#records} where account = $1 and (id = $2::text or key = $3::text)
          order by (state <> 'superseded') desc, created_at desc limit 1
        ) each)::text as record`,
      [accountId(account), id ?? null, key ?? null, mined ? 1 : 0],
    )) as {
      now: string;
      next: string;
      settled: string;
      owner: string | null;
      until: string;
      open: string;
      record: string | null;
    }[];
    if (!row) throw new Error("Postgres returned no row");
    return {
      now: Number(row.now),
      next: Number(row.next),
      settled: Number(row.settled),
      open: (JSON.parse(row.open) as Row[]).map(toRecord),
      record: row.record === null ? undefined : toRecord(JSON.parse(row.record)),
      turn: row.owner === null ? undefined : { owner: row.owner, until: Number(row.until) },
    };
  }

  async commit(account: NonceAccount, { nonce, key, intent, hash, raw }: NonceCommit): Promise<NonceCommitResult> {
    const attempts = JSON.stringify([{ hash, raw, outcome: "unknown" }]);
    const [inserted] = (await this.#sql.query(
      `insert into ${this.#records} (account, id, nonce, state, version, attempts, key, intent, created_at, updated_at)
        values ($1, $2, $3::bigint, 'signed', 1, $4::text::jsonb, $5, $6, ${NOW}, ${NOW})
        on conflict do nothing returning ${COLUMNS}`,
      [accountId(account), hash, nonce, attempts, key, intent],
    )) as Row[];
    if (inserted) return { outcome: "committed", record: toRecord(inserted) };
    const rows = (await this.#sql.query(
      `select ${COLUMNS} from ${this.#records}
        where account = $1 and (id = $2::text or (key = $3::text and state <> 'superseded'))`,
      [accountId(account), hash, key],
    )) as Row[];
    const same = rows.find(({ id }) => id === hash);
    if (same) return { outcome: "committed", record: toRecord(same) };
    const [keyed] = rows;
    return keyed ? { outcome: "duplicate", record: toRecord(keyed) } : { outcome: "taken" };
  }

  async attempt(
    account: NonceAccount,
    id: string,
    version: number,
    { hash, raw }: { hash: string; raw: string },
  ): Promise<NonceRecord | undefined> {
    return this.#update(
      `state = 'signed', attempts = attempts || $4::text::jsonb`,
      `state in ('signed', 'accepted', 'vacant')`,
      [accountId(account), id, version, JSON.stringify([{ hash, raw, outcome: "unknown" }])],
    );
  }

  async mark(
    account: NonceAccount,
    id: string,
    version: number,
    { state, attempts, minedHash, usedAt }: NonceChange,
  ): Promise<NonceRecord | undefined> {
    return this.#update("state = $5, attempts = $4::text::jsonb, mined_hash = $6, used_at = $7::bigint", "true", [
      accountId(account),
      id,
      version,
      JSON.stringify(attempts),
      state,
      minedHash,
      usedAt,
    ]);
  }

  async turn(account: NonceAccount, owner: string, milliseconds: number): Promise<boolean> {
    const rows = await this.#sql.query(
      `insert into ${this.#turns} as turns values ($1, $2, ${NOW} + $3::bigint)
        on conflict (account) do update set owner = excluded.owner, until = excluded.until
        where turns.owner = excluded.owner or turns.until <= ${NOW} returning owner`,
      [accountId(account), owner, milliseconds],
    );
    return rows.length > 0;
  }

  async prune(account: NonceAccount, milliseconds: number): Promise<number> {
    const rows = await this.#sql.query(
      `delete from ${this.#records} where account = $1 and state in ('final', 'superseded')
        and updated_at <= ${NOW} - $2::bigint
        and nonce < (select max(nonce) from ${this.#records} where account = $1) returning id`,
      [accountId(account), milliseconds],
    );
    return rows.length;
  }

  /** $1 to $3 are the account, the id and the version. */
  async #update(
    change: string,
    condition: string,
    values: (string | number | null)[],
  ): Promise<NonceRecord | undefined> {
    try {
      const [row] = (await this.#sql.query(
        `update ${this.#records} set ${change}, version = version + 1, updated_at = ${NOW}
          where account = $1 and id = $2 and version = $3::integer and ${condition} returning ${COLUMNS}`,
        values,
      )) as Row[];
      return row && toRecord(row);
    } catch (error) {
      // unique_violation: another transaction has the nonce, or the key.
      if ((error as { code?: unknown }).code === "23505") return undefined;
      throw error;
    }
  }
}

function toRecord(row: Row): NonceRecord {
  const { id, state, version, key, intent, mined_hash: minedHash, used_at: usedAt } = row;
  return {
    id,
    nonce: Number(row.nonce),
    state,
    version,
    attempts: (JSON.parse(row.attempts) as NonceAttempt[]).map(({ hash, raw, outcome }) => ({ hash, raw, outcome })),
    key,
    intent,
    minedHash,
    usedAt: usedAt === null ? null : Number(usedAt),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}
