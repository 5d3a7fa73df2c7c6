import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { limits } from '../mesh/raft-log/limits.ts';
import type { LogFiles } from '../mesh/raft-log/sqlite-device.ts';
import { DiskError, type Database } from '../ports/database.ts';
import { openSqlite } from './sqlite.ts';

const generationFile = /^raft-(\d{1,9})\.db$/;
const asideFile = /^raft-(\d{1,9})\.damaged\.db$/;

/** `raft-N.db` in a folder of its own; damaged ones stay as `raft-N.damaged.db` for study. */
export class RaftLogFiles implements LogFiles {
  readonly #folder: string;
  readonly #addon: string | undefined;

  constructor(options: { readonly folder: string; readonly addon?: string | undefined }) {
    this.#folder = options.folder;
    this.#addon = options.addon;
  }

  generations(): number[] {
    return this.#within(() => {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      return this.#numbers(generationFile);
    });
  }

  open(generation: number): Database {
    return openSqlite({
      file: this.#path(`raft-${generation}.db`),
      ...(this.#addon === undefined ? {} : { addon: this.#addon }),
    });
  }

  setAside(generation: number): void {
    this.#within(() => {
      for (const end of ['-wal', '']) {
        const from = this.#path(`raft-${generation}.db${end}`);
        if (this.#exists(`raft-${generation}.db${end}`))
          renameSync(from, this.#path(`raft-${generation}.damaged.db${end}`));
      }
      for (const old of this.#numbers(asideFile).slice(0, -limits.asideFilesMax))
        this.#removeAll(`raft-${old}.damaged.db`);
    });
  }

  remove(generation: number): void {
    this.#within(() => this.#removeAll(`raft-${generation}.db`));
  }

  #removeAll(name: string): void {
    // The WAL first: without its file it is nothing, with another one it would be poison.
    for (const end of ['-wal', '-shm', '']) rmSync(this.#path(`${name}${end}`), { force: true });
  }

  #numbers(pattern: RegExp): number[] {
    return readdirSync(this.#folder)
      .flatMap((name) => pattern.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  #exists(name: string): boolean {
    return readdirSync(this.#folder).includes(name);
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #within<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (typeof code !== 'string') throw error;
      throw new DiskError(code === 'ENOSPC' || code === 'EDQUOT' ? 'full' : 'io', messageOf(error), {
        cause: error,
      });
    }
  }
}
