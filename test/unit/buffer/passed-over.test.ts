import { afterEach, beforeEach, expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import type { Scalar } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

const settings = {
  ...smallSettings,
  whenFull: 'coarsen' as const,
  ladderShare: 1,
  uplinks: [],
  seal: { readings: 200, bytes: 1 << 20, ageMillis: 50 },
};

let rig: StoreRig;
const random = new Prng(3);
beforeEach(() => {
  rig = new StoreRig();
  rig.store.open(settings);
});
afterEach(() => rig.dispose());

/** Two blocks of readings `everySeconds` apart, and the ladder until it comes to rest; answers what it passed over, finest first. */
function climbed(
  everySeconds: number,
  valuesOf: (at: number) => Readonly<Record<string, Scalar>>,
): readonly { rung: string; reason: string; field: string | null; blocks: number }[] {
  for (let first = 0; first < 400; first += 200) {
    const builder = new BatchBuilder({ stream: 's', clock: 'device' });
    for (let at = first; at < first + 200; at++) {
      builder.begin({ tags: {}, timeMicros: 1_700_000_000_000_000 + at * everySeconds * 1e6 });
      for (const [name, value] of Object.entries(valuesOf(at))) builder.set(name, value);
    }
    const rows = [{ bytes: encodeJournalRow(builder.finish()), count: 200 }];
    const entries = [{ stream: 's', received: 200, filtered: [], marks: [], rows }];
    rig.store.commit([{ kind: 'append', entries }], rig.now);
    rig.tick(1_000);
  }
  for (let i = 0; i < 100; i++) rig.store.maintain(rig.now);
  return rig.store.stats().streams[0]!.passedOver;
}

/** Bytes that nothing makes smaller but a summary. */
const noise = (): Uint8Array => Uint8Array.from({ length: 100 }, () => random.below(256));

test('lines are passed over where a text changes too often, and the text is named', () => {
  const passed = climbed(1, (at) => ({ v: at, state: `${at % 3}`, noise: noise() }));

  expect(passed[0]).toEqual({ level: 1, rung: 'lines', reason: 'short_lines', field: 'state', blocks: 2 });
  expect(rig.telemetry.events).toContain('buffer_passed_over');
});

test('lines are passed over where a number is noise, and the number is named', () => {
  const [lines] = climbed(1, () => ({ still: 1, shaken: random.float(), noise: noise() }));

  expect(lines).toMatchObject({ rung: 'lines', reason: 'short_lines', field: 'shaken' });
});

test('windows are passed over that would have few readings each', () => {
  const passed = climbed(45, () => ({ v: random.float(), noise: noise() }));

  expect(passed.slice(0, 2).map(({ rung, reason }) => [rung, reason])).toEqual([
    ['lines', 'short_lines'],
    ['windows of 1 min', 'short_windows'],
  ]);
});

test('what nothing makes smaller is left alone, and told of up to the last rung', () => {
  const passed = climbed(1, (at) => ({ v: at % 2 }));

  expect(passed.at(-1)).toMatchObject({ rung: 'sketches of 256 d', reason: 'saves_little' });
  expect(rig.telemetry.counts.get('buffer_ladder_left_alone')).toBeGreaterThan(0);
});

test('what was passed over is told of since the start', () => {
  climbed(1, () => ({ v: random.float(), noise: noise() }));
  rig.reborn().open(settings);

  expect(rig.store.stats().streams[0]!.passedOver).toEqual([]);
});
