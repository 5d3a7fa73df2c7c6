import { expect, it } from 'vitest';
import { MiB } from '#agent/base/units.ts';
import { bufferWords, outlookWords, type BufferState } from '#agent/operate/buffer-words.ts';

const day = 86_400;

function state(more: Partial<BufferState>): BufferState {
  return {
    bytes: 312 * MiB,
    sizeBytes: 512 * MiB,
    fullInSeconds: null,
    full: null,
    deviceFull: false,
    ...more,
  };
}

it.each<[Partial<BufferState>, string]>([
  [{}, '312 MiB of 512 MiB (61 %)'],
  [{ fullInSeconds: 9 * day }, '312 MiB of 512 MiB (61 %), full in about 9 days at this rate'],
  [{ fullInSeconds: 12 }, '312 MiB of 512 MiB (61 %), full in about 12 s at this rate'],
  [{ fullInSeconds: 0.1 }, '312 MiB of 512 MiB (61 %), full in about 1 s at this rate'],
  [{ fullInSeconds: 90 * day }, '312 MiB of 512 MiB (61 %), full in about 90 days at this rate'],
  [{ fullInSeconds: 1_000 * day }, '312 MiB of 512 MiB (61 %), not full for months at this rate'],
  [{ bytes: 0, sizeBytes: 0 }, '0 bytes of 0 bytes (0 %)'],
  [{ bytes: 511.9 * MiB }, '512 MiB of 512 MiB (99 %)'],
  // Nothing of a time to come, and no share that is less than all.
  [{ full: 'block', fullInSeconds: 30 }, '312 MiB, full: sources wait until uplinks have taken some'],
  [{ full: 'coarsen' }, '312 MiB, full: the oldest readings become coarser'],
  [{ full: 'drop_oldest' }, '312 MiB, full: the oldest, least important readings are dropped'],
  [
    { full: 'block', deviceFull: true },
    '312 MiB, full (the device has no more room): sources wait until uplinks have taken some',
  ],
])('%j reads: %s', (more, words) => {
  expect(bufferWords(state(more))).toBe(words);
});

it.each<[Parameters<typeof outlookWords>[0], string | null]>([
  [{ full: null, fullInSeconds: null }, null],
  [{ full: null, fullInSeconds: 9 * day }, 'full in about 9 days at this rate'],
  [{ full: 'block', fullInSeconds: 5 }, 'the buffer is full: sources wait until uplinks have taken some'],
])('in the line of an uplink, %j reads: %s', (outlook, words) => {
  expect(outlookWords(outlook)).toBe(words);
});
