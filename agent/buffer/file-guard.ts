import type { DatabaseFiles, DiskSpace } from '../ports/disk-space.ts';

/** What of the open files their path does not lead to any more. */
export type Missing = 'nothing' | 'log' | 'database';

/**
 * Watches that database and log are the files their paths lead to. Unix lets a file that was deleted or moved away be written on; nobody would find
 * again what is committed to it.
 */
export class FileGuard {
  readonly #space: DiskSpace;
  #opened: DatabaseFiles | null = null;

  constructor(space: DiskSpace) {
    this.#space = space;
  }

  /** The files were opened just now. */
  begin(): void {
    this.#opened = this.#space.files();
  }

  /** Two looks at directory entries: some microseconds. */
  look(): Missing {
    if (this.#opened === null) return 'nothing';
    const found = this.#space.files();
    if (found.database !== this.#opened.database) return 'database';
    return found.log === this.#opened.log ? 'nothing' : 'log';
  }

  /** There is no database to open anew; an empty one must not be made up in its place. */
  get gone(): boolean {
    return this.#opened !== null && this.#space.files().database === null;
  }
}
