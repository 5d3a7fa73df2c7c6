import { afterEach, beforeEach, expect, test } from 'vitest';
import { MiB } from '#agent/base/units.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import type { AnswerJson } from '#agent/query/answer.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { askStore, figure } from '#test/support/ask-store.ts';
import { smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

const minute = 60e6;
const count = 600;

let rig: StoreRig;
/** Ten days ago, by when minutes are not kept any more. */
let begin = 0;
beforeEach(() => {
  rig = new StoreRig();
  begin = Math.floor(rig.now.wallMicros / 86_400e6 - 10) * 86_400e6;
  rig.store.open({
    ...smallSettings,
    sizeBytes: 16 * MiB,
    uplinks: [{ name: 'cloud', streams: ['s'] }],
  });
  deliver();
});
afterEach(() => rig.dispose());

/** A reading a minute for ten hours, all of them stored, sealed, delivered and summed up. */
function deliver(): void {
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  for (let i = 0; i < count; i++) {
    builder.begin({ tags: { line: i % 2 === 0 ? 'a' : 'b' }, timeMicros: begin + i * minute });
    builder.set('v', i);
  }
  const rows = [{ bytes: encodeJournalRow(builder.finish()), count }];
  const entry = { stream: 's', received: count, filtered: [], marks: [], rows, clockBase: null };
  rig.store.commit([{ kind: 'append', entries: [entry] }], rig.now);
  const settlement = { uplink: 'cloud', stream: 's', first: 0, count, bytes: 1, day: 1 };
  rig.store.commit(
    [{ kind: 'settle', settlement: { ...settlement, outcome: { kind: 'delivered' } } }],
    rig.now,
  );
  for (let i = 0; i < 3; i++) {
    rig.tick(60_000);
    while (rig.store.maintain(rig.now));
  }
}

function ask(text: string, from: number, until: number): AnswerJson {
  const [first, last] = [from, until].map((at) => new Date((begin + at * minute) / 1e3).toISOString());
  return askStore(rig.store, `${text} from ${first} until ${last}`, { now: rig.now });
}

test('where only hours are kept, a range that cuts them says how many readings of theirs may be missing', () => {
  const { rows, coverage } = ask('count(), sum(v), p50(v)', 90.5, 330.5);

  const { value, low, high } = figure(rows[0]!);
  expect(value).toBe(180);
  expect(low).toBe(180);
  expect(high).toBe(300);
  expect(figure(rows[0]!, 1)).toMatchObject({ low: null, high: null });
  expect(figure(rows[0]!, 2).low ?? -Infinity).toBeLessThanOrEqual(210);
  expect(figure(rows[0]!, 2).high ?? Infinity).toBeGreaterThanOrEqual(210);
  expect(coverage.complete).toBe(false);
  expect(coverage.gone_seconds).toBe(3_600);
});

test('of each tag so many as it had', () => {
  const { rows } = ask('count() by line', 90.5, 330.5);

  expect(rows.map((row) => figure(row).high)).toEqual([150, 150]);
});

test('a range on whole hours is answered exactly', () => {
  const { rows, coverage } = ask('count(), sum(v)', 60, 300);

  expect(figure(rows[0]!)).toMatchObject({ value: 240, low: 240, high: 240 });
  expect(coverage.complete).toBe(true);
});

test('windows that no kept window fits are told of as gone', () => {
  const { rows, coverage } = ask('count() by window(90s)', 0, 600);

  expect(rows).toEqual([]);
  expect(coverage).toMatchObject({ complete: false, gone_seconds: 36_000 });
});
