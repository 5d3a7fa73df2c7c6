import { describe, expect, it } from 'vitest';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { sharedRunsMax } from '#agent/buffer/limits.ts';
import { SharedRuns } from '#agent/buffer/shared-runs.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';

function rowOf(value: number) {
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  builder.begin({ tags: {}, timeMicros: 1 });
  builder.set('value', value);
  return encodeJournalRow(builder.finish());
}

const cloud = { stream: 's', first: 0, uplink: 'cloud' };
const local = { ...cloud, uplink: 'local' };

/** Two uplinks have read before. */
function shared(): SharedRuns {
  const runs = new SharedRuns();
  runs.batchOf(rowOf(0), { ...cloud, first: 100 });
  runs.batchOf(rowOf(0), { ...local, first: 200 });
  return runs;
}

describe('SharedRuns', () => {
  it('gives two uplinks that read the same the very same batch', () => {
    const runs = shared();

    const batch = runs.batchOf(rowOf(1.5), cloud);

    expect(batch.columns[0]?.values).toEqual(Float64Array.of(1.5));
    expect(runs.batchOf(rowOf(1.5), local)).toBe(batch);
  });

  it('decodes anew what became another row since', () => {
    const runs = shared();
    runs.batchOf(rowOf(1.5), cloud);

    expect(runs.batchOf(rowOf(2.5), local).columns[0]?.values).toEqual(Float64Array.of(2.5));
    expect(runs.batchOf(rowOf(2.5), { ...local, stream: 't' }).stream).toBe('t');
  });

  it('keeps nothing while one uplink reads, nor of readers that are none', () => {
    const runs = new SharedRuns();
    const batch = runs.batchOf(rowOf(1.5), cloud);
    const nobody = shared();
    const seen = nobody.batchOf(rowOf(1.5), { ...cloud, uplink: undefined });

    expect(runs.batchOf(rowOf(1.5), cloud)).not.toBe(batch);
    expect(nobody.batchOf(rowOf(1.5), local)).not.toBe(seen);
  });

  it('forgets the oldest', () => {
    const runs = shared();
    const batch = runs.batchOf(rowOf(1.5), cloud);

    for (let i = 1; i <= sharedRunsMax; i++) runs.batchOf(rowOf(i), { ...cloud, first: i });

    expect(runs.batchOf(rowOf(1.5), local)).not.toBe(batch);
  });
});
