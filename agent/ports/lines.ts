/** A text file read line by line, forward. */
export interface Lines {
  /** The next lines without their line ends, at most `count`; fewer when the file ends, none after its end. */
  next(count: number): Promise<readonly Line[]>;
  close(): Promise<void>;
}

/** `bytes` is null for a line beyond the reader's bound, which is skipped. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly bytes: Uint8Array | null;
}

export interface LineFiles {
  /** @throws {SedgeError} SEDGE_DATA_INVALID when the file cannot be read. */
  open(path: string, options: { lineBytesMax: number }): Promise<Lines>;
}
