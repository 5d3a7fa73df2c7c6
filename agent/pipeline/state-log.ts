import { ByteReader, MalformedBytes } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { crc32c } from '../base/crc32c.ts';
import type { SavedState } from '../reading/journal-entry.ts';
import { stagesMax, stateBytesMax, stateDeltasBytesMin } from './limits.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';
import type { Stage } from './stage.ts';

const version = 1;
/** What a saved state takes in the store beside its bytes; keeps the number of small ones bounded too. */
const stateOverheadBytes = 64;

/** What became of saved state, by rule. */
export interface Restored {
  readonly restored: readonly string[];
  /** Stages that begin empty although something was saved. */
  readonly empty: readonly string[];
  readonly eventMicrosMax: number;
}

/** What a stage's state is saved under: a hash of its config. */
const nameOf = (fingerprint: string): number => crc32c(encoder.encode(fingerprint));
const encoder = new TextEncoder();

/**
 * Decides what of a pipeline's state is saved with a commit. Stages with `delta` are saved with every commit, so that a restart goes on
 * exactly there. The others are saved in full states only (a clean stop, now and then in between); what was committed after
 * one makes their part of it void, for a filter that remembers what was true an hour ago does harm, and one that begins anew does not.
 */
export class StateLog {
  /** Rules left out of the last full state because it had no room for them; they begin empty after a restart. */
  readonly leftOut: string[] = [];
  readonly #stages: readonly Stage[];
  readonly #fingerprints: readonly string[];
  /** What deltas are saved under, one a stage. */
  readonly #names: readonly number[];
  readonly #hasDeltas: boolean;
  readonly #hasOthers: boolean;
  /** The next save must be a full state. */
  #fullDue: boolean;
  #fullBytes = 0;
  #deltaBytes = 0;
  /** Something was saved since the full state, which makes the part of stages without deltas void. */
  #followed = true;
  /** Stages whose state had no room in the last full one. */
  readonly #tooBig = new Set<Stage>();

  constructor(stages: readonly Stage[], fingerprints: readonly string[]) {
    this.#stages = stages;
    this.#fingerprints = fingerprints;
    this.#names = fingerprints.map(nameOf);
    this.#hasDeltas = stages.some((stage) => stage.delta !== undefined);
    this.#hasOthers = stages.some((stage) => stage.snapshot !== undefined && stage.delta === undefined);
    this.#fullDue = this.#hasDeltas;
  }

  /** Whether a crash loses nothing of some stage, which then needs its commits in order. */
  get isDurable(): boolean {
    return this.#hasDeltas;
  }

  /** The next save is a full state, whether or not a stage changed. */
  get isFullDue(): boolean {
    return this.#fullDue;
  }

  /** What is to be stored with what was processed since the last call; null: nothing. */
  changes(eventMicrosMax: number, bytesMax: number): SavedState | null {
    if (this.#fullDue || this.#deltaBytes > Math.max(stateDeltasBytesMin, 2 * this.#fullBytes))
      return this.whole(eventMicrosMax, bytesMax);
    const deltas: { name: number; bytes: Uint8Array }[] = [];
    for (const [i, stage] of this.#stages.entries()) {
      const bytes = stage.delta?.() ?? null;
      if (bytes !== null && !this.#tooBig.has(stage)) deltas.push({ name: this.#names[i]!, bytes });
    }
    if (deltas.length === 0 && (this.#followed || !this.#hasOthers)) return null;
    const bytes = writeDeltas(eventMicrosMax, deltas);
    if (bytes.length > bytesMax) return this.whole(eventMicrosMax, bytesMax);
    this.#followed = true;
    this.#deltaBytes += bytes.length + stateOverheadBytes;
    return { kind: 'delta', bytes };
  }

  /** Everything. Null: there is no state, and none was saved before. */
  whole(eventMicrosMax: number, bytesMax: number): SavedState | null {
    if (!this.#hasDeltas && !this.#hasOthers && !this.#fullDue) return null;
    this.#tooBig.clear();
    this.leftOut.length = 0;
    let room = bytesMax;
    const states = this.#stages.map((stage, i) => {
      const fingerprint = this.#fingerprints[i]!;
      const state = stage.snapshot?.() ?? null;
      if (state === null) return { fingerprint, state };
      room -= state.length + fingerprint.length + stateOverheadBytes;
      if (room >= 0) return { fingerprint, state };
      room += state.length + fingerprint.length + stateOverheadBytes;
      this.#tooBig.add(stage);
      this.leftOut.push(stage.rule);
      return { fingerprint, state: null };
    });
    const bytes = writeSnapshot({ eventMicrosMax, states });
    this.#fullDue = false;
    this.#fullBytes = bytes.length;
    this.#deltaBytes = 0;
    this.#followed = false;
    return { kind: 'full', bytes };
  }

  /** The next save is a full state: what is stored is of other stages. */
  begin(): void {
    this.#fullDue = true;
  }

  /** Takes over what was stored, oldest first. Stages begin as they were made. */
  restore(saved: readonly SavedState[]): Restored {
    const last = saved.findLastIndex(({ kind }) => kind === 'full');
    const full = last < 0 ? null : readSnapshot(saved[last]!.bytes);
    const deltas = full === null ? [] : saved.slice(last + 1);
    const states = new Map(full?.states.map(({ fingerprint, state }) => [fingerprint, state]));
    const whole = new Set<Stage>();
    for (const [i, stage] of this.#stages.entries()) {
      const state = states.get(this.#fingerprints[i]!) ?? null;
      if (state === null || (stage.delta === undefined && deltas.length > 0)) continue;
      if (stage.restore?.(state) === true) whole.add(stage);
    }
    const eventMicrosMax = this.#apply(deltas, whole) ?? full?.eventMicrosMax ?? Number.NEGATIVE_INFINITY;
    const keeping = this.#stages.filter((stage) => stage.snapshot !== undefined);
    const kept = full?.states.filter(({ state }) => state !== null) ?? [];
    // Whatever did not come back is not to be built upon, nor met again at the next start.
    this.#fullDue =
      saved.length === 0
        ? this.#hasDeltas
        : full === null || keeping.length < kept.length || keeping.some((stage) => !whole.has(stage));
    this.#followed = deltas.length > 0;
    this.#fullBytes = last < 0 ? 0 : saved[last]!.bytes.length;
    this.#deltaBytes = deltas.reduce((sum, { bytes }) => sum + bytes.length + stateOverheadBytes, 0);
    return {
      restored: keeping.filter((stage) => whole.has(stage)).map(({ rule }) => rule),
      empty: saved.length === 0 ? [] : keeping.filter((stage) => !whole.has(stage)).map(({ rule }) => rule),
      eventMicrosMax,
    };
  }

  /** Applies deltas in order; a stage for which one does not fit is empty and leaves `whole`. Answers the newest event time told. */
  #apply(deltas: readonly SavedState[], whole: Set<Stage>): number | null {
    const byName = new Map(this.#stages.map((stage, i) => [this.#names[i]!, stage]));
    let eventMicrosMax: number | null = null;
    for (const { bytes } of deltas) {
      const read = readDeltas(bytes);
      if (read === null) {
        for (const stage of whole) stage.restore!(new Uint8Array(0));
        whole.clear();
        return null;
      }
      eventMicrosMax = read.eventMicrosMax;
      for (const { name, bytes: one } of read.deltas) {
        const stage = byName.get(name);
        if (stage === undefined || !whole.has(stage)) continue;
        if (stage.apply?.(one) !== true) whole.delete(stage);
      }
    }
    return eventMicrosMax;
  }
}

/** Layout in README.md. */
function writeDeltas(
  eventMicrosMax: number,
  deltas: readonly { readonly name: number; readonly bytes: Uint8Array }[],
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(deltas.reduce((sum, { bytes }) => sum + bytes.length + 16, 32));
  writer.uint8(version);
  writer.float64(eventMicrosMax);
  writer.varint(deltas.length);
  for (const { name, bytes } of deltas) {
    writer.uint32(name);
    writer.bytes(bytes);
  }
  writer.uint32(crc32c(writer.written));
  return writer.finish();
}

/** Null for anything `writeDeltas` did not write. */
function readDeltas(
  bytes: Uint8Array,
): { eventMicrosMax: number; deltas: { name: number; bytes: Uint8Array }[] } | null {
  if (bytes.length < 5 || bytes.length > stateBytesMax) return null;
  const body = bytes.subarray(0, bytes.length - 4);
  try {
    const reader = new ByteReader(body);
    const sum = new ByteReader(bytes.subarray(bytes.length - 4)).uint32();
    if (sum !== crc32c(body) || reader.uint8() !== version) return null;
    const eventMicrosMax = reader.float64();
    const deltas: { name: number; bytes: Uint8Array }[] = [];
    const count = reader.count(stagesMax, 'stages');
    for (let i = 0; i < count; i++) deltas.push({ name: reader.uint32(), bytes: reader.bytes() });
    return reader.remaining === 0 ? { eventMicrosMax, deltas } : null;
  } catch (error) {
    if (error instanceof MalformedBytes) return null;
    throw error;
  }
}
