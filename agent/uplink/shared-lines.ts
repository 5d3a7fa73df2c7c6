import { encodeNdjsonBytes, type NdjsonRun } from '../reading/encode-ndjson.ts';
import type { Batch } from '../reading/batch.ts';
import { uplinkLimits } from './limits.ts';

interface Kept {
  readonly run: NdjsonRun;
  readonly bytes: Uint8Array;
}

/**
 * Lines encoded lately, for all uplinks of an agent: the store gives those that read the same range the same batch, whose lines are then made
 * once. The bytes are shared and must not be written to. While only one uplink sends nothing is kept.
 */
export class SharedLines {
  /** By batch, the oldest first. */
  readonly #kept = new Map<Batch, Kept>();
  readonly #bytesMax: number;
  #bytes = 0;
  /** The one uplink that has sent so far. */
  #only: string | null = null;
  #several = false;

  constructor(bytesMax: number = uplinkLimits.sharedLinesBytes) {
    this.#bytesMax = bytesMax;
  }

  /** All lines of the run, as `encodeNdjsonBytes` gives them. */
  of(run: NdjsonRun, uplink: string): Uint8Array {
    this.#only ??= uplink;
    this.#several ||= this.#only !== uplink;
    if (!this.#several) return encodeNdjsonBytes(run);
    const kept = this.#kept.get(run.batch);
    if (kept !== undefined && isSame(kept.run, run)) return kept.bytes;
    const bytes = encodeNdjsonBytes(run);
    this.#forget(run.batch);
    this.#kept.set(run.batch, { run, bytes });
    this.#bytes += bytes.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#bytesMax && this.#kept.size <= uplinkLimits.sharedLinesBatches) break;
      this.#forget(oldest);
    }
    return bytes;
  }

  #forget(batch: Batch): void {
    this.#bytes -= this.#kept.get(batch)?.bytes.length ?? 0;
    this.#kept.delete(batch);
  }
}

/** Of one batch: whether the lines are the same. */
function isSame(a: NdjsonRun, b: NdjsonRun): boolean {
  return (
    a.first === b.first &&
    a.fidelity === b.fidelity &&
    a.clock === b.clock &&
    a.agent === b.agent &&
    a.epoch === b.epoch
  );
}
