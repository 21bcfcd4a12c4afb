/**
 * Finds SQLite. Node has it built in (`node:sqlite`), of use in 24; for the others there is the same interface as a package with
 * compiled files for the usual systems. What is built in is used only if it can do what the schema needs.
 */

import { StoreError } from '../errors.js';

/** What a column can hold. */
export type SQLValue = string | number | bigint | Uint8Array | null;

/** A row, by the names of its columns. */
export type Row = Readonly<Record<string, SQLValue>>;

/** As much of `StatementSync` as is used here. */
export interface Statement {
  run(...values: readonly SQLValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  get(...values: readonly SQLValue[]): Row | undefined;
  all(...values: readonly SQLValue[]): Row[];
}

/** As much of `DatabaseSync` as is used here. */
export interface Connection {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** The fixed statements of a connection, each compiled once; those of queries are as many as there are queries. */
export class StatementCache {
  readonly #connection: Connection;
  readonly #statements = new Map<string, Statement>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** Opens a database file, which is made where it is missing. */
export type OpenConnection = (path: string) => Connection;

interface Driver {
  readonly DatabaseSync: new (path: string) => Connection;
}

/** @throws {@link StoreError} when there is none */
export async function findDriver(): Promise<OpenConnection> {
  const builtIn = builtInDriver();
  if (builtIn !== undefined && isSufficient(builtIn)) return opener(builtIn);
  try {
    return opener(await import('@photostructure/sqlite'));
  } catch (cause) {
    throw new StoreError(
      'STORE_NO_DRIVER',
      'There is no SQLite: use Node 24, or install the package @photostructure/sqlite',
      { cause },
    );
  }
}

/** Node 22 warns of its SQLite as it is loaded. Who starts an inbox has not chosen it, and can do nothing about that. */
function builtInDriver(): Driver | undefined {
  const { getBuiltinModule } = process as unknown as { getBuiltinModule?: (name: string) => Driver | undefined };
  const emitWarning = Reflect.get(process, 'emitWarning') as (...said: unknown[]) => void;
  process.emitWarning = (...said: unknown[]) => {
    if (said[1] !== 'ExperimentalWarning') emitWarning.apply(process, said);
  };
  try {
    return getBuiltinModule?.('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}

function opener(driver: Driver): OpenConnection {
  return (path) => new driver.DatabaseSync(path);
}

function isSufficient(driver: Driver): boolean {
  const connection = opener(driver)(':memory:');
  try {
    connection.exec("CREATE VIRTUAL TABLE probe USING fts5(words, content='', contentless_delete=1)");
    // Node 22 takes an array that has no memory, as no octets come from another thread, for NULL: an empty message could not be kept.
    const { type } = connection.prepare('SELECT typeof(?) AS type').get(new Uint8Array(new ArrayBuffer())) ?? {};
    // Node 26 fails to say of a write what row was the last, when its number is as large as those in the tables of an index of words.
    connection.exec('CREATE TABLE large (id INTEGER PRIMARY KEY)');
    connection.prepare('INSERT INTO large VALUES (?)').run(2n ** 53n + 1n);
    return type === 'blob';
  } catch {
    return false;
  } finally {
    connection.close();
  }
}
