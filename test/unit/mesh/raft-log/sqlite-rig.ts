import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RaftLogFiles } from '#agent/host/raft-log-files.ts';
import { openSqlite } from '#agent/host/sqlite.ts';
import type { LogFiles } from '#agent/mesh/raft-log/sqlite-device.ts';
import { DiskError, type Database } from '#agent/ports/database.ts';

export const owner = 'site/1';

/** A folder with one member's log, whose device fails on demand. */
export class SqliteRig {
  readonly folder = mkdtempSync(join(tmpdir(), 'sedge-raft-log-'));
  trouble: 'full' | 'io' | null = null;
  readonly #open: Database[] = [];

  /** Files whose commits meet the trouble of the moment. */
  readonly files: LogFiles = this.#faultyFiles();

  #faultyFiles(): LogFiles {
    const real = new RaftLogFiles({ folder: this.folder });
    return {
      generations: () => real.generations(),
      setAside: (generation) => real.setAside(generation),
      remove: (generation) => real.remove(generation),
      open: (generation) => {
        const db = real.open(generation);
        this.#open.push(db);
        return { ...wrapped(db), exec: (sql) => this.#exec(db, sql) };
      },
    };
  }

  /** Database files in the folder, without their WALs. */
  get names(): string[] {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith('.db'))
      .sort();
  }

  /** What the end of a process does to its files. */
  kill(): void {
    for (const db of this.#open.splice(0)) db.close();
  }

  /** Changes the file behind the log's back. */
  change(sql: string, ...parameters: number[]): void {
    this.kill();
    const newest = new RaftLogFiles({ folder: this.folder }).generations().at(-1);
    const db = openSqlite({ file: join(this.folder, `raft-${newest}.db`) });
    db.prepare(sql).run(...parameters);
    db.close();
  }

  remove(): void {
    this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #exec(db: Database, sql: string): void {
    if (sql === 'COMMIT' && this.trouble !== null)
      throw new DiskError(this.trouble, `injected ${this.trouble}`);
    db.exec(sql);
  }
}

const wrapped = (db: Database): Database => ({
  exec: (sql) => db.exec(sql),
  prepare: (sql) => db.prepare(sql),
  pragma: (text) => db.pragma(text),
  close: () => db.close(),
});
