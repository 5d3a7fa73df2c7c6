/** Equal names, equal files: a name tells a file from all others while somebody holds it open. Null where there is none. */
export interface DatabaseFiles {
  readonly database: string | null;
  readonly log: string | null;
}

/** What the disk thread knows of the device below its database. The host implements it; tests script it. */
export interface DiskSpace {
  /** Path of the database, for messages. */
  readonly database: string;
  /** What the paths of database and log lead to now. Never throws: what can not be looked at is not there. */
  files(): DatabaseFiles;
  /**
   * Free and total bytes of the file system that holds the data folder, as an unprivileged writer sees them.
   * @throws {DiskError} when the folder can not be looked at.
   */
  room(): { readonly freeBytes: number; readonly totalBytes: number };
  /** Bytes the write-ahead log occupies now, whether in use or left from its peak. */
  walBytes(): number;
  /** Bytes the reserve file holds; 0 when it is released. */
  reserveBytes(): number;
  /** Occupies `bytes` on the device, so that deleting can work when it is full. False when there was no room. */
  holdReserve(bytes: number): boolean;
  /** Gives the reserve back to the device. Safe to call twice. */
  releaseReserve(): void;
}
