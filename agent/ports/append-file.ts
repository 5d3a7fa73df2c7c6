/** A file that grows by whole lines and survives a power cut. One writer. */
export interface AppendFile {
  /** Opens or creates it; a last line without its end is cut off. `cutBytes` says how much. */
  open(): Promise<{ readonly bytes: number; readonly cutBytes: number }>;
  /** Appends and syncs; when it resolves, the bytes survive. On rejection the file is as it was before the call. */
  append(bytes: Uint8Array): Promise<void>;
  /** Renames the file to `.1`, older ones up, the one past `keep` deleted, and begins anew. */
  rotate(keep: number): Promise<void>;
  /** Safe to call twice. */
  close(): Promise<void>;
}
