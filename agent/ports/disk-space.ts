/** What the disk thread knows of the device below its database. The host implements it; tests script it. */
export interface DiskSpace {
  /** Free and total bytes of the file system that holds the data folder, as an unprivileged writer sees them. */
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
