/**
 * Finds SQLite. Node has it built in (`node:sqlite`) from 22.13 on; for those before there is the same interface as a package with compiled
 * files for the usual systems. What is built in is used only if it does what a store asks of it.
 */

import { StoreError } from '../errors.js';

/** What a column can hold. */
export type SQLValue = string | number | bigint | Uint8Array | null;

/** A row, by the names of its columns. */
export type Row = Readonly<Record<string, SQLValue>>;

/**
 * As much of `StatementSync` as is used here. There is a `run` as well, for statements without rows: it reports the number of the last row
 * that was written, and Node 26 throws where no JavaScript number holds that, as in the tables of an index of words. Whoever wants to know
 * what a statement did has it return that (RETURNING).
 */
export interface Statement {
  /** Does all of it, and gives its first row if it has one. */
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

/** Which of the two it is. */
export type DriverName = 'builtIn' | 'package';

/** The one that is of use here. It is found out once in a process: its threads are told. */
export function chooseDriver(): DriverName {
  return (chosen ??= isBuiltInSufficient() ? 'builtIn' : 'package');
}

let chosen: DriverName | undefined;

/** @throws {@link StoreError} when there is none */
export async function findDriver(name = chooseDriver()): Promise<OpenConnection> {
  const builtIn = name === 'builtIn' ? builtInDriver() : undefined;
  if (builtIn !== undefined) return opener(builtIn);
  try {
    return opener(await import('@photostructure/sqlite'));
  } catch (cause) {
    throw new StoreError(
      'STORE_NO_DRIVER',
      'There is no SQLite: use Node 22.13 or newer, or install the package @photostructure/sqlite',
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

/** Tries what not every SQLite does, and not every Node lets it do: words that are found, and taken away again. */
function isBuiltInSufficient(): boolean {
  const driver = builtInDriver();
  if (driver === undefined) return false;
  const connection = opener(driver)(':memory:');
  try {
    connection.exec("CREATE VIRTUAL TABLE probe USING fts5(words, content='', contentless_delete=1)");
    const found = connection.prepare('SELECT rowid FROM probe WHERE probe MATCH ?');
    connection.prepare('INSERT INTO probe (rowid, words) VALUES (?, ?)').get(7, 'one two');
    const before = found.get('two')?.['rowid'];
    connection.prepare('DELETE FROM probe WHERE rowid = ?').get(7);
    return before === 7 && found.get('two') === undefined;
  } catch {
    return false;
  } finally {
    connection.close();
  }
}
