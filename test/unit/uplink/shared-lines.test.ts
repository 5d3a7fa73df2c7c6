import { describe, expect, it } from 'vitest';
import type { Batch } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { encodeNdjsonBytes } from '#agent/reading/encode-ndjson.ts';
import { uplinkLimits } from '#agent/uplink/limits.ts';
import { SharedLines } from '#agent/uplink/shared-lines.ts';

function batchOf(readings: number): Batch {
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  for (let i = 0; i < readings; i++) {
    builder.begin({ tags: {}, timeMicros: i });
    builder.set('value', i / 8);
  }
  return builder.finish();
}

const runOf = (batch: Batch) => ({
  agent: 'gw',
  epoch: '5eed5eed5eed5eed',
  batch,
  first: 7,
  fidelity: 'raw',
});

/** Two uplinks have sent before. */
function shared(bytesMax?: number): SharedLines {
  const lines = new SharedLines(bytesMax);
  lines.of(runOf(batchOf(1)), 'cloud');
  lines.of(runOf(batchOf(1)), 'local');
  return lines;
}

describe('SharedLines', () => {
  it('encodes a batch once for all who send it', () => {
    const lines = shared();
    const run = runOf(batchOf(3));

    const bytes = lines.of(run, 'cloud');

    expect(bytes).toEqual(encodeNdjsonBytes(run));
    expect(lines.of({ ...run }, 'local')).toBe(bytes);
  });

  it.each([{ first: 8 }, { agent: 'other' }, { epoch: '' }, { clock: 'unset' as const }])(
    'encodes a batch anew where its lines say something else: %o',
    (other) => {
      const lines = shared();
      const run = runOf(batchOf(3));
      lines.of(run, 'cloud');

      expect(lines.of({ ...run, ...other }, 'local')).toEqual(encodeNdjsonBytes({ ...run, ...other }));
    },
  );

  it('keeps nothing while one uplink sends', () => {
    const lines = new SharedLines();
    const run = runOf(batchOf(3));

    const bytes = lines.of(run, 'cloud');

    expect(lines.of(run, 'cloud')).not.toBe(bytes);
  });

  it('forgets the oldest beyond its bytes', () => {
    const [old, young] = [runOf(batchOf(3)), runOf(batchOf(3))];
    const lines = shared(encodeNdjsonBytes(old).length + 10);

    const first = lines.of(old, 'cloud');
    const second = lines.of(young, 'cloud');

    expect(lines.of(young, 'local')).toBe(second);
    expect(lines.of(old, 'local')).not.toBe(first);
  });

  it('forgets the oldest beyond its number of batches, however small', () => {
    const lines = shared();
    const old = runOf(batchOf(1));
    const first = lines.of(old, 'cloud');

    for (let i = 0; i < uplinkLimits.sharedLinesBatches; i++) lines.of(runOf(batchOf(1)), 'cloud');

    expect(lines.of(old, 'local')).not.toBe(first);
  });
});
