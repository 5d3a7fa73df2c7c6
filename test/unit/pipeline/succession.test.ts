import { describe, expect, test } from 'vitest';
import { earlierPipeline, emptyState, statesLost } from '#agent/pipeline/earlier.ts';
import { statesNotGivenOut } from '#agent/pipeline/events.ts';
import type { PipelineOutput } from '#agent/pipeline/pipeline.ts';
import { ByteWriter } from '#agent/base/byte-writer.ts';
import { crc32c } from '#agent/base/crc32c.ts';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import { readSnapshot } from '#agent/pipeline/snapshot.ts';
import type { SavedState } from '#agent/reading/journal-entry.ts';
import { batchOf, now, pipelineOf, plainOf, seconds } from './pipeline-fixture.ts';

const window = (every: number, into?: string): StageConfig => ({
  window: { every, out_of_order: 0, emit: ['count', 'sum'], ...(into === undefined ? {} : { into }) },
});
const calibrate: StageConfig = { calibrate: { field: 'a.sum', offset: 100 } };
const deadband: StageConfig = { deadband: { field: 'a', absolute: 10 } };

const told = (output: PipelineOutput): readonly (readonly [string, number, object])[] =>
  output.outputs.flatMap(({ stream, batch }) =>
    plainOf(batch).map(({ at, values }) => [stream, at, values] as const),
  );

const own = ({ outputs }: PipelineOutput): number =>
  outputs.reduce((sum, { stream, batch }) => sum + (stream === 'line' ? batch.length : 0), 0);

describe('a pipeline that takes the place of another', () => {
  test('gives out the open windows of a stage that changed, as cut short, through the stages that stood behind it', () => {
    const old = pipelineOf(window(10_000), calibrate);
    old.process(batchOf(seconds('a', [1, 2, 4])), now);

    const changed = pipelineOf(window(20_000), calibrate);
    const parting = changed.succeed(old, now);

    expect(told(parting)).toEqual([['line', 0, { 'a.count': 3, 'a.sum': 107, 'window.partial': true }]]);
    expect(parting.derived).toBe(own(parting));
    expect(parting.notes).toEqual([{ kind: 'cut_short', rule: '0:window', count: 1 }]);
    const after = changed.process(batchOf([{ at: 20, values: { a: 1 } }]), now);
    expect(told(after)).toEqual([]);
  });

  test('says of a window that ended and waits for corrections that it is whole', () => {
    const late: StageConfig = {
      window: { every: 2000, out_of_order: 0, lateness: 60_000, emit: ['sum'], into: 'w' },
    };
    const old = pipelineOf(late);
    old.process(batchOf(seconds('a', [1, 2, 4])), now);
    old.process(batchOf([{ at: 1.5, values: { a: 8 } }]), now);

    const parting = pipelineOf().succeed(old, now);

    expect(told(parting)).toEqual(
      [
        ['w', 0, { 'a.sum': 11, 'window.revision': 1 }],
        ['w', 2, { 'a.sum': 4, 'window.revision': 0, 'window.partial': true }],
      ].toSorted((a, b) => (b[1] as number) - (a[1] as number)),
    );
  });

  test('lets stages go on that are still there, wherever they stand now, with what those before them gave out last', () => {
    const held: StageConfig = { despike: { field: 'a', window: 5, mode: 'centred' } };
    const old = pipelineOf(held, window(10_000, 'w'));
    const before = old.process(batchOf(seconds('a', [1, 2, 4, 8])), now);
    expect(own(before)).toBe(2);

    const changed = pipelineOf(deadband, window(10_000, 'w'));
    const parting = changed.succeed(old, now);

    expect(told(parting)).toEqual([
      ['line', 2, { a: 4 }],
      ['line', 3, { a: 8 }],
    ]);
    expect(parting.derived).toBe(2);
    const after = changed.process(batchOf([{ at: 10, values: { a: 0 } }]), now);
    expect(told(after)).toContainEqual(['w', 0, { 'a.count': 4, 'a.sum': 15 }]);
  });

  test('gives out what compress holds', () => {
    const compress: StageConfig = { compress: { field: 'a', deviation: 1 } };
    const old = pipelineOf(compress);
    old.process(batchOf(seconds('a', [1, 2, 3])), now);

    const parting = pipelineOf().succeed(old, now);

    expect(told(parting)).toEqual([['line', 2, { a: 3 }]]);
    expect(parting.derived).toBe(1);
  });

  test('has nothing to say where nothing is open', () => {
    const parting = pipelineOf(window(20_000)).succeed(pipelineOf(window(10_000), deadband), now);

    expect(parting).toEqual({ outputs: [], filtered: [], notes: [] });
  });
});

describe('the pipeline that stored a state', () => {
  const store = (...stages: StageConfig[]): SavedState[] => {
    const pipeline = pipelineOf(...stages);
    const saved: SavedState[] = [];
    for (const at of [0, 1, 2]) {
      pipeline.process(batchOf([{ at, values: { a: 1 } }]), now);
      const state = pipeline.changes(1 << 20);
      if (state !== null) saved.push(state);
    }
    return saved;
  };

  test('is made anew from it, stages without state among them', () => {
    const old = earlierPipeline('line', store(deadband, window(10_000), calibrate))!;

    expect(old.rules).toEqual(['0:deadband', '1:window', '2:calibrate']);
    expect(told(old.part(new Set(), now))).toEqual([
      ['line', 0, { 'a.count': 1, 'a.sum': 101, 'window.partial': true }],
    ]);
  });

  test('is null where there was none, or what was stored is not to be read', () => {
    const saved = store(window(10_000));
    saved[0]!.bytes[4]! ^= 1;

    expect(earlierPipeline('line', saved)).toBeNull();
    expect(earlierPipeline('line', [])).toBeNull();
    expect(earlierPipeline('line', [emptyState()])).toBeNull();
  });

  test('is covered by one that has all its stages, in any place', () => {
    const old = earlierPipeline('line', store(window(10_000), calibrate))!;

    expect(pipelineOf(deadband, calibrate, window(10_000)).covers(old)).toBe(true);
    expect(pipelineOf(window(20_000), calibrate).covers(old)).toBe(false);
  });

  test('names the stages whose state nobody can give out: of the format before, and not there any more', () => {
    const saved = asVersionOne(store(window(10_000), deadband));

    expect(earlierPipeline('line', saved)).toBeNull();
    expect(statesLost(saved, pipelineOf(window(20_000), deadband))).toEqual(['window']);
    expect(statesLost(saved, pipelineOf(deadband, window(10_000)))).toEqual([]);
    expect(statesLost(saved, undefined)).toEqual(['window', 'deadband']);
    expect(statesLost([emptyState()], undefined)).toEqual([]);
    expect(statesLost([], undefined)).toEqual([]);
  });

  test('names them all as one where what was stored is damaged', () => {
    const saved = store(window(10_000));
    saved[0]!.bytes[4]! ^= 1;

    expect(statesLost(saved, pipelineOf(window(10_000)))).toEqual(['all its stages']);
  });

  test.each([
    ['with stages that keep nothing', [calibrate]],
    ['without stages', []],
    ['with stages that are stored at a stop only', [deadband]],
  ])(
    'that is damaged is replaced by what is stored next of a pipeline %s, so that it is told of once',
    (_, stages) => {
      const saved = store(window(10_000));
      saved[0]!.bytes[4]! ^= 1;
      const running = pipelineOf(...stages);
      const stopped = pipelineOf(...stages);

      running.resume(saved);
      running.process(batchOf([{ at: 0, values: { a: 1 } }]), now);
      stopped.resume(saved);

      for (const next of [running.changes(1 << 20), stopped.whole(1 << 20)]) {
        expect(next?.kind).toBe('full');
        expect(statesLost([next!], pipelineOf(...stages))).toEqual([]);
      }
      running.process(batchOf([{ at: 1, values: { a: 1 } }]), now);
      expect(running.changes(1 << 20)?.kind).not.toBe('full');
    },
  );

  test('tells of what is lost in one line and one counter', () => {
    const lines: string[] = [];
    const counts: [string, number | undefined][] = [];

    statesNotGivenOut(
      {
        log: (level, event, message) => lines.push(`${level} ${event} ${message}`),
        count: (name, _labels, by) => counts.push([name, by]),
        gauge: () => {},
        observe: () => {},
      },
      'line',
      ['window', 'compress'],
    );

    expect(lines).toEqual([
      'warning pipeline.states_not_given_out stream line: what window, compress held before the config was changed is in a form that is not read any more; it is lost',
    ]);
    expect(counts).toEqual([['pipeline_states_lost', 2]]);
  });
});

/** As the format wrote it that named only stages with state. */
function asVersionOne(saved: readonly SavedState[]): SavedState[] {
  const { states, eventMicrosMax } = readSnapshot(saved.findLast(({ kind }) => kind === 'full')!.bytes)!;
  const writer = new ByteWriter();
  writer.uint8(1);
  writer.float64(eventMicrosMax);
  const kept = states.filter(({ state }) => state !== null);
  writer.varint(kept.length);
  for (const { fingerprint, state } of kept) {
    writer.text(fingerprint);
    writer.bytes(state!);
  }
  writer.uint32(crc32c(writer.finish()));
  return [{ kind: 'full', bytes: writer.finish() }];
}
