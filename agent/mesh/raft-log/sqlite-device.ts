import type { Database } from '../../ports/database.ts';
import { openSqliteTables } from './sqlite-schema.ts';
import type { LogDevice, LogTables } from './tables.ts';

/** The files of one member's log; the host implements it over a folder. */
export interface LogFiles {
  /** Generations there are, ascending. */
  generations(): number[];
  /** Opens the file of a generation, creating it. @throws {DiskError} */
  open(generation: number): Database;
  /** Renames it out of the way, with its WAL, keeping the newest of those. @throws {DiskError} */
  setAside(generation: number): void;
  /** @throws {DiskError} */
  remove(generation: number): void;
}

/** A log in SQLite, one file a generation. */
export class SqliteDevice implements LogDevice {
  readonly #files: LogFiles;
  readonly #owner: string;

  constructor(options: { readonly files: LogFiles; readonly owner: string }) {
    this.#files = options.files;
    this.#owner = options.owner;
  }

  generations(): number[] {
    return this.#files.generations();
  }

  open(generation: number): LogTables {
    return openSqliteTables(this.#files.open(generation), this.#owner);
  }

  setAside(generation: number): void {
    this.#files.setAside(generation);
  }

  remove(generation: number): void {
    this.#files.remove(generation);
  }
}
