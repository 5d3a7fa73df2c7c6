import type { Statement } from '../ports/database.ts';
import { walFrameBytes } from './limits.ts';

/**
 * What SQLite says of database and log. Asked anew only after something may have changed it: nobody else writes to them, and a commit
 * of one reading would ask eight times.
 */
export class FileFigures {
  readonly #prepare: <Row>(sql: string) => Statement<Row>;
  #pages: { readonly total: number; readonly free: number } | null = null;
  #pageBytes: number | null = null;
  #logBytes: number | null = null;
  /** Inside a transaction every statement may change them. */
  #writing = false;

  constructor(prepare: <Row>(sql: string) => Statement<Row>) {
    this.#prepare = prepare;
  }

  pages(): { readonly total: number; readonly free: number } {
    if (this.#pages !== null) return this.#pages;
    const pages = { total: this.#pragma('page_count'), free: this.#pragma('freelist_count') };
    if (!this.#writing) this.#pages = pages;
    return pages;
  }

  pageBytes(): number {
    return (this.#pageBytes ??= this.#pragma('page_size'));
  }

  /** Frames in the log that a restart of it would throw away or a crash would replay, as bytes. */
  logBytes(): number {
    if (this.#logBytes !== null) return this.#logBytes;
    const row = this.#prepare<{ log: number; checkpointed: number }>('PRAGMA wal_checkpoint = NOOP').get();
    const isIdle = row === undefined || row.log < 0 || row.log === row.checkpointed;
    const bytes = isIdle ? 0 : row.log * walFrameBytes;
    if (!this.#writing) this.#logBytes = bytes;
    return bytes;
  }

  /** A transaction begins, or has ended. */
  writing(is: boolean): void {
    this.#writing = is;
    this.forget();
  }

  forget(): void {
    this.#pages = null;
    this.#logBytes = null;
  }

  #pragma(name: 'page_count' | 'freelist_count' | 'page_size'): number {
    return this.#prepare<Record<string, number>>(`PRAGMA ${name}`).get()?.[name] ?? 0;
  }
}
