import SqliteConnection from 'better-sqlite3';
import { messageOf } from '../base/errors.ts';
import {
  DiskError,
  type Database,
  type DiskTrouble,
  type SqlValue,
  type Statement,
} from '../ports/database.ts';

/** Distinct statements of the store, with room; beyond it the cache starts anew. */
const statementsMax = 512;

export interface SqliteOptions {
  readonly file: string;
  /** Path of the native addon when it is not where the package put it (a single executable unpacks it). */
  readonly addon?: string;
}

/** Opens a file, creating it when it is not there. @throws {DiskError} */
export function openSqlite(options: SqliteOptions): Database {
  return classified(() => {
    const addon = options.addon === undefined ? {} : { nativeBinding: options.addon };
    return new SqliteDatabase(new SqliteConnection(options.file, { timeout: 0, ...addon }));
  });
}

class SqliteDatabase implements Database {
  readonly #connection: SqliteConnection.Database;
  readonly #statements = new Map<string, Statement<unknown>>();

  constructor(connection: SqliteConnection.Database) {
    this.#connection = connection;
  }

  exec(sql: string): void {
    // Transaction marks come with every commit: a cached statement is cheaper than parsing.
    if (sql.length < 16) this.prepare(sql).run();
    else classified(() => this.#connection.exec(sql));
  }

  prepare<Row>(sql: string): Statement<Row> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (this.#statements.size >= statementsMax) this.#statements.clear();
      const prepared = classified(() => this.#connection.prepare<SqlValue[]>(sql));
      const rowOf = rowMaker(prepared, sql);
      statement = {
        run: (...parameters) =>
          classified(() => {
            const { changes, lastInsertRowid } = prepared.run(...parameters);
            return { changes, lastInsertRowid: Number(lastInsertRowid) };
          }),
        get: (...parameters) =>
          classified(() =>
            rowOf === null ? prepared.get(...parameters) : rowOf(prepared.get(...parameters)),
          ),
        all: (...parameters) => {
          const rows = classified(() => prepared.all(...parameters));
          return rowOf === null ? rows : rows.map(rowOf);
        },
      };
      this.#statements.set(sql, statement);
    }
    return statement as Statement<Row>;
  }

  pragma(text: string): unknown {
    return classified(() => this.#connection.pragma(text, { simple: true }));
  }

  close(): void {
    this.#statements.clear();
    classified(() => this.#connection.close());
  }
}

/**
 * What makes rows of what a statement gives; null: it gives rows. SQLite compiles a PRAGMA anew at each use, and the package then compiles a function for its
 * rows: their values alone cost a third of that.
 */
function rowMaker(
  prepared: SqliteConnection.Statement<SqlValue[]>,
  sql: string,
): ((row: unknown) => unknown) | null {
  if (!sql.startsWith('PRAGMA ') || !prepared.reader) return null;
  const names = prepared.columns().map(({ name }) => name);
  prepared.raw();
  return (row) =>
    Array.isArray(row) ? Object.fromEntries(names.map((name, i) => [name, row[i] as unknown])) : row;
}

/** Codes of SQLite and of the system below it, by what one does next. */
const troubles: readonly (readonly [prefix: string, DiskTrouble])[] = [
  ['SQLITE_FULL', 'full'],
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['SQLITE_IOERR_CORRUPTFS', 'corrupt'],
  ['SQLITE_IOERR', 'io'],
  ['SQLITE_CANTOPEN', 'io'],
  ['SQLITE_READONLY', 'io'],
  ['SQLITE_NOMEM', 'io'],
  ['EIO', 'io'],
  ['EROFS', 'io'],
  ['SQLITE_CORRUPT', 'corrupt'],
  ['SQLITE_NOTADB', 'corrupt'],
  ['SQLITE_BUSY', 'busy'],
  ['SQLITE_LOCKED', 'busy'],
  ['SQLITE_PROTOCOL', 'busy'],
];

function classified<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    // Its folder is gone: thrown by the package, before SQLite has a code for it.
    if (error instanceof TypeError && error.message.includes('directory does not exist')) {
      throw new DiskError('io', messageOf(error), { cause: error });
    }
    const code = (error as { code?: unknown }).code;
    if (typeof code !== 'string') throw error;
    const known = troubles.find(([prefix]) => code.startsWith(prefix));
    if (known === undefined) throw error;
    throw new DiskError(known[1], `${messageOf(error)} (${code})`, { cause: error });
  }
}
