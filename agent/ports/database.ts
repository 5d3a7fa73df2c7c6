/** A synchronous SQL connection: what the disk thread stands on. The host implements it with SQLite; tests wrap it with faults. */
export interface Database {
  exec(sql: string): void;
  /** Prepared statements are cached by text. Integers come back as numbers and must be <= 2^53 - 1. */
  prepare<Row = Record<string, SqlValue>>(sql: string): Statement<Row>;
  /** A pragma's single value. */
  pragma(text: string): unknown;
  close(): void;
}

export interface Statement<Row> {
  run(...parameters: SqlValue[]): { changes: number; lastInsertRowid: number };
  get(...parameters: SqlValue[]): Row | undefined;
  all(...parameters: SqlValue[]): Row[];
}

export type SqlValue = number | string | Uint8Array | null;

/** What went wrong below SQL, told apart by what one does next. */
export type DiskTrouble =
  /** No room on the device, or the byte cap: make room, then try again. */
  | 'full'
  /** The device failed to read or write: try again later, reopen. */
  | 'io'
  /** A page does not say what it should. */
  | 'corrupt'
  /** Another process holds a lock. */
  | 'busy';

/** A database error, classified by the host. */
export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly trouble: DiskTrouble;
  constructor(trouble: DiskTrouble, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.trouble = trouble;
  }
}
