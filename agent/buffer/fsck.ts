import { DiskError } from '../ports/database.ts';
import { quarantine } from './damage.ts';
import { ledgerOf } from './ledger.ts';
import { contentOf, Damage } from './content.ts';
import { segmentFrom } from './segments.ts';
import { countRung } from './block-sums.ts';
import { countEra } from './eras.ts';
import type { Level } from './rungs/levels.ts';
import type { StoreCore } from './store-core.ts';
import type { RungSums, StreamState } from './stream-state.ts';

export interface FsckFinding {
  readonly kind: 'database' | 'damaged' | 'overlap' | 'aggregate' | 'ledger';
  readonly stream: string;
  /** Offsets concerned; 0 and 0 where it is not about offsets. */
  readonly first: number;
  readonly count: number;
  readonly detail: string;
  readonly repaired: boolean;
}

export interface FsckReport {
  readonly streams: number;
  readonly segments: number;
  readonly readings: number;
  readonly findings: readonly FsckFinding[];
  /** Readings in `quarantine` that were set aside before this look: in the accounts as dropped under `damaged`, and told of then. */
  readonly setAside: number;
}

/** Findings listed at most; a database that is all damage needs no longer list. */
const findingsMax = 10_000;

/** Reads everything that is stored and compares it with everything that is claimed. */
export function fsck(core: StoreCore, options: { repair: boolean }): FsckReport {
  // What was decoded before tells nothing of what is stored now.
  core.decoded.clear();
  const walk = { segments: 0, readings: 0, findings: [] as FsckFinding[], ...options };
  checkDatabase(core, walk);
  const setAside = checkQuarantine(core, walk);
  const names = [...core.memory.streams.keys()];
  for (const name of names) checkStream(core, name, walk);
  for (const entry of ledgerOf(core).streams) {
    if (entry.balanced) continue;
    note(walk, {
      kind: 'ledger',
      stream: entry.stream,
      detail: `the accounts of ${entry.stream} do not balance`,
    });
  }
  for (const entry of ledgerOf(core).cursors) {
    if (entry.balanced) continue;
    const detail = `the accounts of uplink ${entry.uplink} do not balance`;
    note(walk, { kind: 'ledger', stream: entry.stream, detail });
  }
  core.quarantineTold = lastSetAside(core);
  return {
    streams: core.memory.streams.size,
    segments: walk.segments,
    readings: walk.readings,
    findings: walk.findings,
    setAside,
  };
}

/** The row of `quarantine` written last. */
export function lastSetAside(core: StoreCore): number {
  return core.prepare<{ last: number }>('SELECT ifnull(max(id), 0) AS last FROM quarantine').get()!.last;
}

interface Walk {
  segments: number;
  readings: number;
  readonly findings: FsckFinding[];
  readonly repair: boolean;
}

function note(
  walk: Walk,
  finding: Partial<FsckFinding> & Pick<FsckFinding, 'kind' | 'stream' | 'detail'>,
): void {
  if (walk.findings.length >= findingsMax) return;
  walk.findings.push({ first: 0, count: 0, repaired: false, ...finding });
}

function checkDatabase(core: StoreCore, walk: Walk): void {
  try {
    const rows = core.prepare<{ quick_check: string }>('PRAGMA quick_check(100)').all();
    for (const row of rows) {
      if (row.quick_check !== 'ok') note(walk, { kind: 'database', stream: '', detail: row.quick_check });
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    note(walk, { kind: 'database', stream: '', detail: error.message });
  }
}

/**
 * Damage that whoever came before met is not among what is stored any more. What upkeep and readers set aside since the store was opened, or looked
 * through last, is a finding as if it had been met here; of what is older the readings are answered.
 */
function checkQuarantine(core: StoreCore, walk: Walk): number {
  const told = core.quarantineTold ?? 0;
  const rows = core
    .prepare<{ id: number; name: string; first: number; count: number; reason: string }>(
      `SELECT quarantine.id, name, first, count, reason FROM quarantine JOIN streams ON streams.id = stream
       ORDER BY quarantine.id`,
    )
    .all();
  let before = 0;
  for (const { id, name, reason, first, count } of rows) {
    if (id <= told) before += count;
    else note(walk, { kind: 'damaged', stream: name, first, count, detail: reason, repaired: true });
  }
  return before;
}

function checkStream(core: StoreCore, name: string, walk: Walk): void {
  const sums = { blocks: 0, blockReadings: 0, blockBytes: 0 };
  const eras = new Map<number, number>();
  const rungs = new Map<Level, RungSums>();
  let end = 0;
  for (let at = 0; ;) {
    const stream = core.memory.streams.get(name);
    const place = stream === undefined ? null : segmentFrom(core, stream, at);
    if (stream === undefined || place === null) break;
    const { first, count, bytes } = place.row;
    at = first + count;
    walk.segments++;
    walk.readings += count;
    if (first < end) {
      note(walk, { kind: 'overlap', stream: name, first, count, detail: `begins before offset ${end}` });
    }
    end = Math.max(end, at);
    try {
      contentOf(core, stream, place);
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      if (walk.repair) core.within(() => quarantine(core, stream, place, error.message));
      note(walk, {
        kind: 'damaged',
        stream: name,
        first,
        count,
        detail: error.message,
        repaired: walk.repair,
      });
      if (walk.repair) continue;
    }
    if (place.kind === 'block') {
      sums.blocks++;
      sums.blockReadings += count;
      sums.blockBytes += bytes;
      countEra(eras, place.row.era, count);
      countRung(rungs, place.row, 1);
    }
  }
  const stream = core.memory.streams.get(name);
  if (stream === undefined) return;
  checkSums(core, stream, sums, walk);
  checkEras(core, stream, eras, walk);
  checkRungs(core, stream, rungs, walk);
}

function checkSums(
  core: StoreCore,
  stream: StreamState,
  sums: { blocks: number; blockReadings: number; blockBytes: number },
  walk: Walk,
): void {
  const { blocks, blockReadings, blockBytes } = stream;
  if (blocks === sums.blocks && blockReadings === sums.blockReadings && blockBytes === sums.blockBytes)
    return;
  if (walk.repair) {
    core.within(() => {
      Object.assign(stream, sums);
      core.touchStream(stream);
    });
  }
  const detail = `claims ${blockReadings} readings in ${blocks} blocks of ${blockBytes} bytes; there are ${sums.blockReadings} in ${sums.blocks} of ${sums.blockBytes}`;
  note(walk, { kind: 'aggregate', stream: stream.name, detail, repaired: walk.repair });
}

function checkRungs(
  core: StoreCore,
  stream: StreamState,
  rungs: ReadonlyMap<Level, RungSums>,
  walk: Walk,
): void {
  const inWords = (of: ReadonlyMap<Level, RungSums>): string =>
    [...of]
      .filter(([, { blocks }]) => blocks > 0)
      .sort(([a], [b]) => a - b)
      .map(
        ([level, { readings, summaries, bytes }]) =>
          `${level}: ${readings} in ${summaries} of ${bytes} bytes`,
      )
      .join(', ');
  const claimed = inWords(stream.rungs);
  const found = inWords(rungs);
  if (claimed === found) return;
  if (walk.repair) {
    core.within(() => {
      for (const level of new Set([...stream.rungs.keys(), ...rungs.keys()])) {
        stream.rungs.set(level, rungs.get(level) ?? { blocks: 0, readings: 0, summaries: 0, bytes: 0 });
        core.touchRung(stream, level);
      }
    });
  }
  const detail = `claims coarse readings by level (${claimed}); there are (${found})`;
  note(walk, { kind: 'aggregate', stream: stream.name, detail, repaired: walk.repair });
}

function checkEras(
  core: StoreCore,
  stream: StreamState,
  eras: ReadonlyMap<number, number>,
  walk: Walk,
): void {
  const differ = [...stream.blockEras.keys(), ...eras.keys()].some(
    (id) => stream.blockEras.get(id) !== eras.get(id),
  );
  if (!differ) return;
  if (walk.repair) {
    core.within(() => {
      stream.blockEras.clear();
      for (const [id, count] of eras) stream.blockEras.set(id, count);
      core.touchStream(stream);
    });
  }
  const detail = 'its counts of readings without a set clock are wrong';
  note(walk, { kind: 'aggregate', stream: stream.name, detail, repaired: walk.repair });
}
