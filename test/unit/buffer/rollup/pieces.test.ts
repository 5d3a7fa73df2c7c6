import { afterEach, beforeEach, expect, test } from 'vitest';
import { MiB } from '#agent/base/units.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { askStore, figure } from '#test/support/ask-store.ts';
import { smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

const begin = 1_800_000_000_000_000 - 30 * 86_400e6;
const rows = 100;
const readingsOfRow = 200;

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
});
afterEach(() => rig.dispose());

function open(whenFull: 'coarsen' | 'drop_oldest', share: number, sealReadings = readingsOfRow): void {
  rig.store.open({
    ...smallSettings,
    sizeBytes: 4 * MiB,
    whenFull,
    seal: { readings: sealReadings, bytes: 256 * 1024, ageMillis: 1_000 },
    rollups: { streams: ['*'], fields: ['*'], share },
  });
}

/** Readings of six fields, two a minute, `first` being the offset of the first. */
function append(first: number, count: number): void {
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  for (let at = first; at < first + count; at++) {
    builder.begin({ tags: {}, timeMicros: begin + at * 30e6, quality: 0 });
    for (let field = 0; field < 6; field++) builder.set(`f${field}`, (at * (field + 7)) % 50);
  }
  const rows = [{ bytes: encodeJournalRow(builder.finish()), count }];
  const entry = { stream: 's', received: count, filtered: [], marks: [], rows, clockBase: null };
  rig.store.commit([{ kind: 'append', entries: [entry] }], rig.now);
}

/** A recording comes in as fast as it is taken: between two commits one slice of upkeep. */
function recording(whenFull: 'coarsen' | 'drop_oldest', share: number): void {
  open(whenFull, share);
  for (let row = 0; row < rows; row++) {
    append(row * readingsOfRow, readingsOfRow);
    rig.store.maintain(rig.now);
  }
}

function calm(): void {
  for (let i = 0; i < 5; i++) {
    rig.now = { ...rig.now, monotonicMillis: rig.now.monotonicMillis + 60_000 };
    while (rig.store.maintain(rig.now));
  }
}

test('summaries that wait to be merged take no room of readings', () => {
  recording('coarsen', 0.01);

  const [stream] = rig.store.stats().streams;

  expect(rig.telemetry.counts.get('buffer_full')).toBeUndefined();
  expect(stream).toMatchObject({ head: rows * readingsOfRow, readings: rows * readingsOfRow });
  expect(rig.store.stats().rollupBytes).toBeLessThan(MiB / 4);
});

test('summaries that wait to be merged push no hours and days out', () => {
  recording('drop_oldest', 0.1);
  calm();

  const { rows: answer, coverage } = askStore(rig.store, 'count(), sum(f0) of s', { now: rig.now });

  expect(figure(answer[0]!).value).toBe(rows * readingsOfRow);
  expect(coverage.shares.sketch).toBeGreaterThan(0.9);
});

test('a block with more minutes than one transaction may write is summed up in parts', () => {
  open('coarsen', 0.2, 3_000);
  append(0, 3_000);
  calm();

  const { rows: answer, coverage } = askStore(rig.store, 'count() of s', { now: rig.now });

  expect(rig.telemetry.counts.get('buffer_rollup_skipped_readings')).toBeUndefined();
  expect(figure(answer[0]!).value).toBe(3_000);
  expect(coverage).toMatchObject({ lost: 0, readings: { sketch: 3_000 } });
});
