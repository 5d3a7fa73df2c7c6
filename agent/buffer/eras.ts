import { SedgeError } from '../base/errors.ts';
import { timeMicrosLimit } from '../base/units.ts';
import { DiskError } from '../ports/database.ts';
import type { Batch } from '../reading/batch.ts';
import type { ClockTerms } from './disk-protocol.ts';
import { erasMax, floorStepMicros, rebaseMicrosMin } from './limits.ts';
import type { StoreMemory } from './memory.ts';
import type { Moment } from './moment.ts';
import type { StoreCore } from './store-core.ts';
import type { StreamState } from './stream-state.ts';

/**
 * A span of one boot in which times of arrival were counted from the monotonic clock, because nobody had set the wall clock:
 * time = `base` + monotonic time, in microseconds. A segment's `era` is the id of its own, 0 where the clock was trusted. Once the
 * clock is set, the boot's true base is known, and every era of the boot is off by the same shift: one number corrects what is
 * stored, in journal rows and in blocks, without rewriting a byte.
 */
export interface Era {
  readonly id: number;
  readonly boot: number;
  readonly base: number;
}

/** What is known of clocks, in memory. */
export interface ClockMemory {
  readonly eras: Map<number, Era>;
  /** True base by boot; absent while nobody has set the clock of that boot. `trusted`: not only set by hand. */
  readonly trueBases: Map<number, { readonly base: number; readonly trusted: boolean }>;
  /** The newest time committed by a clock that is believed, or counted on from one: within {@link floorStepMicros}. */
  floorMicros: number;
  /** Of the latest commit; the floor is brought up to it when the store closes. */
  latest: Moment | null;
}

/** The era of readings counted from `base`, noted when it is new; 0 for a trusted clock. Inside a transaction. */
export function eraOf(core: StoreCore, base: number | null | undefined): number {
  if (base === null || base === undefined) return 0;
  const { memory } = core;
  let nearest: Era | null = null;
  for (const era of memory.clock.eras.values()) {
    if (era.boot !== memory.boot) continue;
    if (nearest === null || Math.abs(era.base - base) < Math.abs(nearest.base - base)) nearest = era;
  }
  if (nearest?.base === base) return nearest.id;
  // A clock that is stepped again and again: off by little beats not being corrected at all.
  if (memory.clock.eras.size >= erasMax) return nearest?.id ?? 0;
  noteBoot(core);
  const id = core
    .prepare('INSERT INTO eras (boot, base) VALUES (?, ?)')
    .run(memory.boot, base).lastInsertRowid;
  memory.clock.eras.set(id, { id, boot: memory.boot, base });
  return id;
}

/** What the column `boot` of rows and blocks holds. */
export function bootColumn({ boot, era }: { readonly boot: number; readonly era: number }): number {
  return era === 0 ? boot : -era;
}

/** The boot whose monotonic clock a segment's time is of. */
export function bootOf(
  memory: StoreMemory,
  segment: { readonly boot: number; readonly era: number },
): number {
  return segment.era === 0 ? segment.boot : (memory.clock.eras.get(segment.era)?.boot ?? 0);
}

/** A boot that a full disk kept from being noted at the start. */
function noteBoot(core: StoreCore): void {
  if (core.memory.boot !== 0) return;
  core.memory.boot = core.prepare('INSERT INTO boots (boot) VALUES (?)').run(core.boot).lastInsertRowid;
}

/** Microseconds to add to times of arrival of an era: 0 where the clock was trusted, null while the true time is not known. */
export function correctionOf(memory: StoreMemory, id: number): number | null {
  if (id === 0) return 0;
  const era = memory.clock.eras.get(id);
  const trueBase = era === undefined ? undefined : memory.clock.trueBases.get(era.boot);
  return era === undefined || trueBase === undefined ? null : trueBase.base - era.base;
}

/** When a segment was committed, by the best knowledge of now. */
export function committedAt(
  memory: StoreMemory,
  row: { readonly wallMicros: number; readonly era: number },
): number {
  return row.wallMicros + (correctionOf(memory, row.era) ?? 0);
}

/** A copy of the batch with every time moved. */
export function shifted(batch: Batch, micros: number): Batch {
  if (micros === 0) return batch;
  const timeMicros = batch.timeMicros.map((time) =>
    Math.min(timeMicrosLimit, Math.max(-timeMicrosLimit, time + micros)),
  );
  return { ...batch, timeMicros };
}

/** True wall time at monotonic 0 of this boot; `trusted` when it was not only set by hand. */
export interface ClockSet {
  readonly trueBase: number;
  readonly trusted: boolean;
}

/**
 * The clock of this boot was set: what it counted itself is off by a known shift from now on. Answers the readings kept that are corrected.
 * A later call, after a second setting, corrects the first. `trusted` is remembered for later processes of this boot. Inside a transaction.
 */
export function setClock(core: StoreCore, set: ClockSet): number {
  const { memory } = core;
  const { trueBases } = memory.clock;
  noteBoot(core);
  const known = trueBases.get(memory.boot);
  const same = known !== undefined && Math.abs(known.base - set.trueBase) < rebaseMicrosMin;
  if (same && known.trusted >= set.trusted) return 0;
  const trusted = set.trusted || known?.trusted === true;
  core
    .prepare('UPDATE boots SET base = ?, trusted = ? WHERE id = ?')
    .run(set.trueBase, trusted ? 1 : 0, memory.boot);
  trueBases.set(memory.boot, { base: set.trueBase, trusted });
  if (same) return 0;
  let readings = 0;
  for (const stream of memory.streams.values()) readings += countsOf(memory, stream).ofThisBoot;
  return readings;
}

/** Eras of earlier boots that no reading refers to any more. Inside a transaction. */
export function forgetEras(core: StoreCore): void {
  const { memory } = core;
  for (const era of memory.clock.eras.values()) {
    if (era.boot === memory.boot) continue;
    const used = [...memory.streams.values()].some(
      (stream) => stream.journalEras.has(era.id) || stream.blockEras.has(era.id),
    );
    if (used) continue;
    core.prepare('DELETE FROM eras WHERE id = ?').run(era.id);
    memory.clock.eras.delete(era.id);
  }
}

export function countEra(eras: Map<number, number>, id: number, by: number): void {
  if (id === 0) return;
  const count = (eras.get(id) ?? 0) + by;
  if (count === 0) eras.delete(id);
  else eras.set(id, count);
}

/** Readings kept whose times of arrival were counted while the clock was not set. */
export interface EraCounts {
  /** Will be corrected when the clock is set. */
  readonly waiting: number;
  /** Have their true time. */
  readonly rebased: number;
  /** Of a boot that ended before its clock was set: their time is a lower bound in the right order, no more. */
  readonly lost: number;
  readonly ofThisBoot: number;
}

export function countsOf(memory: StoreMemory, stream: StreamState): EraCounts {
  let [waiting, rebased, lost, ofThisBoot] = [0, 0, 0, 0];
  for (const eras of [stream.journalEras, stream.blockEras]) {
    for (const [id, count] of eras) {
      const own = memory.clock.eras.get(id)?.boot === memory.boot;
      if (own) ofThisBoot += count;
      if (correctionOf(memory, id) !== null) rebased += count;
      else if (own) waiting += count;
      else lost += count;
    }
  }
  return { waiting, rebased, lost, ofThisBoot };
}

/**
 * Keeps the floor: a clock that starts below it is stale. A trusted clock moves it either way, so that one that once was set years ahead
 * leaves no trace; times counted on from the floor only raise it, and before anybody said which it is nothing does. Inside a transaction.
 */
export function moveFloor(core: StoreCore, now: Moment, within: number = floorStepMicros): void {
  if (now.clockBase === undefined) return;
  const { clock } = core.memory;
  clock.latest = now;
  const wall = Math.round(now.wallMicros);
  const trusted = now.clockBase === null;
  const step = wall - clock.floorMicros;
  if (trusted ? Math.abs(step) <= within : step <= within) return;
  core.prepare("INSERT OR REPLACE INTO meta VALUES ('floor', ?)").run(wall);
  clock.floorMicros = wall;
}

/** The exact floor at a clean end; after any other it is a little low. */
export function keepFloor(core: StoreCore): void {
  try {
    const { latest } = core.memory.clock;
    if (latest === null || Math.round(latest.wallMicros) === core.memory.clock.floorMicros) return;
    core.transaction(() => moveFloor(core, latest, 0), { durable: true });
  } catch (error) {
    if (!(error instanceof DiskError) && !(error instanceof SedgeError)) throw error;
  }
}

/** What a new process has to know of the clocks before it. The base is the one this boot counted from last. */
export function clockTerms(memory: StoreMemory): ClockTerms {
  let latest: Era | null = null;
  for (const era of memory.clock.eras.values()) {
    if (era.boot === memory.boot && era.id > (latest?.id ?? 0)) latest = era;
  }
  const known = memory.clock.trueBases.get(memory.boot);
  return {
    floorMicros: memory.clock.floorMicros,
    base: latest?.base ?? null,
    trustedBase: known?.trusted === true ? known.base : null,
  };
}
