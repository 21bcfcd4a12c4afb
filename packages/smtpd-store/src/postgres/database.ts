/** Connections to a database: for who reads, and for who writes, one at a time for all processes together. */

import { join } from 'node:path';

import type { Client, ClientConfig, Pool, PoolClient, QueryResultRow } from 'pg';

import { StoreError } from '../errors.js';
import { isConnectionLost, postgresError } from './faults.js';
import type { PostgresSettings } from './postgres-options.js';

interface Parts {
  readonly schema: string;
  readonly place: string;
  readonly pool: Pool;
  readonly newClient: () => Client;
}

/** A database with the tables of a store. */
export class PostgresDatabase {
  readonly schema: string;
  /** Where it is, for whoever reads an error: never with a password. */
  readonly place: string;
  readonly #pool: Pool;
  readonly #newClient: () => Client;

  private constructor({ schema, place, pool, newClient }: Parts) {
    this.schema = schema;
    this.place = place;
    this.#pool = pool;
    this.#newClient = newClient;
  }

  /** Nothing is connected yet. @throws {@link StoreError} when there is no driver */
  static async open({ url, schema, connectionsMax }: PostgresSettings): Promise<PostgresDatabase> {
    const { default: driver } = await import('pg').catch((cause: unknown) => {
      throw new StoreError('STORE_NO_DRIVER', 'There is no driver for PostgreSQL: install the package pg', { cause });
    });
    // Never `binary`: octets come back damaged with it.
    const config: ClientConfig = {
      connectionString: url,
      application_name: 'smtpd-store',
      connectionTimeoutMillis: CONNECT_MS_MAX,
      query_timeout: QUERY_MS_MAX,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    };
    const newClient = (): Client => new driver.Client(config);
    let pool: Pool;
    let place: string;
    try {
      // Idle connections keep no process running.
      pool = new driver.Pool({ ...config, max: connectionsMax, allowExitOnIdle: true });
      place = `schema ${schema}${formatDatabase(url, newClient())}`;
    } catch (cause) {
      throw new StoreError('STORE_BAD_OPTION', 'url says where the database is, and this one does not', { cause });
    }
    // Whoever asks next hears of a connection's end; it comes between two questions as well, and while it is idle.
    pool.on('connect', (client) => client.on('error', () => undefined));
    pool.on('error', () => undefined);
    return new PostgresDatabase({ schema, place, pool, newClient });
  }

  /** A connection of one's own. */
  newClient(): Client {
    return this.#newClient();
  }

  async read<Row extends QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      return (await this.#pool.query<Row>(sql, [...values])).rows;
    } catch (error) {
      throw postgresError(error);
    }
  }

  /**
   * A transaction. It takes the lock of the store itself, with `lock`, when it has done what it can without: who holds it is the only one
   * who gives numbers, prunes and deletes.
   *
   * @returns when it is as durable as the server makes it
   */
  async write<T>(work: (client: PoolClient, lock: () => Promise<void>) => Promise<T>): Promise<T> {
    let client: PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw postgresError(error);
    }
    let isLost = false;
    try {
      await client.query(BEGIN);
      const result = await work(client, async () => {
        await client.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [LOCK_CLASS, this.schema]);
      });
      await client.query('COMMIT');
      return result;
    } catch (error) {
      isLost = isConnectionLost(error);
      if (!isLost) await client.query('ROLLBACK').catch(() => (isLost = true));
      throw postgresError(error);
    } finally {
      client.release(isLost);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/** As the driver has read the URL and the environment. */
function formatDatabase(url: string, { database, host, port }: Client): string {
  if (!HAS_WHOLE_USERINFO.test(url) || database === undefined) return '';
  return ` of the database ${database} at ${host.startsWith('/') ? join(host, `.s.PGSQL.${port}`) : `${host}:${port}`}`;
}

/** In a URL whose password has one of `@ / ? #` as it is, the rest of it would be taken for a host or a database. */
const HAS_WHOLE_USERINFO = /^\w+:\/\/(?:[^@/?#]*@)?[^@]*$/;
const CONNECT_MS_MAX = 10_000;
const QUERY_MS_MAX = 120_000;
/**
 * Who has waited for the lock has to see what the others wrote meanwhile, whatever the database's own way is. A process that stops in the
 * middle holds the others up no longer than this, and they wait no longer for it.
 */
const BEGIN = `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit TO on; SET LOCAL lock_timeout TO '60s';
  SET LOCAL idle_in_transaction_session_timeout TO '30s'`;
/** What makes our locks other ones than anybody else's; the letters `mail`. */
const LOCK_CLASS = 0x6d61696c;
