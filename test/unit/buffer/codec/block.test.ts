import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crc32c } from '#agent/base/crc32c.ts';
import type { Scalar, Tags } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import {
  blockHeader,
  blockPrefix,
  decodeBlock,
  encodeBlock,
  headerBytes,
} from '#agent/buffer/codec/block.ts';
import { concatBatches } from '#agent/buffer/codec/concat.ts';
import { blockInflatedBytesMax, blockReadingsMax } from '#agent/buffer/codec/limits.ts';
import { SectionOrders } from '#agent/buffer/codec/section-orders.ts';

const machine: Tags = { machine: 'm4' };

function readings(
  length: number,
  values: (row: number) => Readonly<Record<string, Scalar>>,
  tags = [machine],
) {
  const builder = new BatchBuilder({ stream: 'vibration', clock: 'device', capacity: Math.max(length, 1) });
  for (let row = 0; row < length; row++) {
    builder.begin({ tags: tags[row % tags.length]!, timeMicros: 1.7e15 + row * 1e6 });
    for (const [name, value] of Object.entries(values(row))) builder.set(name, value);
  }
  return builder.finish();
}

/** Bytes a reading takes in a block of 4,096, beyond what an empty one takes. */
function bytesEach(values: (row: number) => Readonly<Record<string, Scalar>>, tags?: Tags[]): number {
  return encodeBlock([readings(4096, values, tags)]).bytes.length / 4096;
}

function resealed(bytes: Uint8Array): Uint8Array {
  const crc = crc32c(bytes.subarray(headerBytes), crc32c(bytes.subarray(0, headerBytes - 4)));
  new DataView(bytes.buffer).setUint32(headerBytes - 4, crc, true);
  return bytes;
}

/** Noise that no predictor guesses, in 0 … below - 1; the same on every machine. */
function noise(row: number, below = 64): number {
  const mixed = Math.imul(row ^ (row >>> 7), 0x85ebca6b);
  return ((Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) >>> 9) ^ (mixed >>> 3)) % below;
}

describe('encodeBlock', () => {
  it('keeps regular times and constant values in next to nothing', () => {
    expect(bytesEach(() => ({ temp: 21.5, ok: true, state: 'on' }))).toBeLessThan(0.06);
  });

  it('keeps decimals near the entropy of their digits', () => {
    expect(bytesEach((row) => ({ temp: (2000 + noise(row)) / 100 }))).toBeLessThan((6 / 8) * 1.15);
  });

  it('keeps decimals that a device computed in single precision as well as doubles', () => {
    const each = bytesEach((row) => ({ temp: Math.fround((2000 + noise(row, 8192)) / 100) }));
    expect(each).toBeLessThan((13 / 8) * 1.15);
  });

  it('keeps a quantised sensor whose step is no decimal by its steps', () => {
    expect(bytesEach((row) => ({ volt: (noise(row) * 3.3) / 4096 }))).toBeLessThan((6 / 8) * 1.35);
  });

  it('is not disturbed by sensors that take turns', () => {
    const tags = Array.from({ length: 8 }, (_, i) => ({ machine: `m${i}` }));
    const level = (row: number) => (row % 8) * 1000 + Math.floor(row / 8) + (noise(row) % 2);
    expect(bytesEach((row) => ({ level: level(row) }), tags)).toBeLessThan(0.32);
  });

  it('brings back what sensors that take turns and measure different things have', () => {
    const tags = Array.from({ length: 8 }, (_, i) => ({ machine: `m${i}` }));
    const level = (row: number) => (row % 8) * 1000 + Math.floor(row / 8) + (noise(row) % 2);
    const batch = readings(4096, (row) => (row % 8 < 7 ? { level: level(row) } : { state: `s${row}` }), tags);
    expect(decodeBlock(encodeBlock([batch]).bytes)).toMatchObject({
      value: { batch: { columns: batch.columns } },
    });
  });

  it('tells -0 from 0 in a column of few values', () => {
    const batch = readings(600, (row) => ({
      volt: ((noise(row, 8) === 0 ? -1 : 1) * ((noise(row, 8) >> 1) * 3.3)) / 4096,
    }));
    expect(decodeBlock(encodeBlock([batch]).bytes)).toMatchObject({
      value: { batch: { columns: batch.columns } },
    });
  });
});

describe('decodeBlock', () => {
  const sealed = () => encodeBlock([readings(300, (row) => ({ temp: row / 10, name: `n${row}` }))]).bytes;
  const codeOf = (bytes: Uint8Array) => {
    const result = decodeBlock(bytes);
    return result.ok ? 'ok' : result.error.code;
  };
  const edited = (at: number, value: number) => {
    const bytes = sealed();
    bytes[at] = value;
    return bytes;
  };

  it('says what is wrong in a code', () => {
    expect(codeOf(sealed())).toBe('ok');
    expect(codeOf(edited(0, 1))).toBe('magic');
    expect(codeOf(edited(4, 9))).toBe('version');
    expect(codeOf(edited(60, sealed()[60]! ^ 1))).toBe('checksum');
    expect(codeOf(sealed().subarray(0, 100))).toBe('truncated');
    expect(codeOf(sealed().subarray(0, 20))).toBe('truncated');
    expect(codeOf(resealed(edited(11, 1)))).toBe('too_large');
    expect(codeOf(resealed(edited(5, 9)))).toBe('malformed');
  });

  it('inflates no further than it said it would', () => {
    const bomb = zstdCompressSync(new Uint8Array(8 * 1024 * 1024));
    const bytes = new Uint8Array(headerBytes + bomb.length);
    bytes.set(sealed().subarray(0, headerBytes));
    bytes.set(bomb, headerBytes);
    const view = new DataView(bytes.buffer);
    view.setUint8(5, 1);
    view.setUint32(36, bomb.length, true);
    view.setUint32(40, 0, true);
    const detailOf = (claimed: number) => {
      view.setUint32(32, claimed, true);
      const result = decodeBlock(resealed(bytes));
      return result.ok ? 'ok' : result.error.detail;
    };
    expect(detailOf(1)).toBe('zstd frame is damaged or too large');
    expect(detailOf(1000)).toBe('zstd frame is damaged or too large');
    expect(detailOf(8 * 1024 * 1024 + 1)).toBe('inflates to 8388608 bytes, not 8388609');
    expect(detailOf(blockInflatedBytesMax + 1)).toBe(`body of ${blockInflatedBytesMax + 1} bytes`);
  });

  it('gives the columns asked for, in their order in the block', () => {
    const result = decodeBlock(sealed(), { columns: ['name', 'unknown'] });
    expect(result.ok && result.value.batch.columns.map((column) => column.name)).toEqual(['name']);
  });
});

describe('blockHeader', () => {
  it('reads counts and times from the first bytes alone', () => {
    const { bytes } = encodeBlock([readings(300, (row) => ({ temp: row, name: 'x' }))]);
    expect(blockHeader(bytes.subarray(0, headerBytes))).toEqual({
      ok: true,
      value: {
        readings: 300,
        columns: 2,
        minTimeMicros: 1.7e15,
        maxTimeMicros: 1.7e15 + 299e6,
        bytes: bytes.length,
      },
    });
  });
});

describe('blockPrefix', () => {
  it('stops before the batch that would be too many readings', () => {
    const half = readings(blockReadingsMax / 2, () => ({}));
    expect(blockPrefix([half, half])).toBe(2);
    expect(blockPrefix([half, half, readings(1, () => ({}))])).toBe(2);
  });

  it('stops before the batch whose names would make too many cells', () => {
    const wide = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`c${i}`, 1]));
    const long = readings(10_000, () => ({ a: 1 }));
    expect(blockPrefix([long, readings(1, () => wide)])).toBe(1);
    expect(blockPrefix([readings(10_000, () => wide)])).toBe(1);
  });
});

describe('concatBatches', () => {
  it('lets a field be of several kinds, each value keeping its own', () => {
    const all = concatBatches([
      readings(1, () => ({ state: 1 })),
      readings(1, () => ({ state: 'on' })),
      readings(1, () => ({})),
      readings(1, () => ({ state: true })),
    ]);
    expect(all.columns).toEqual([
      { kind: 'mixed', name: 'state', values: [1, 'on', 0, true], present: Uint8Array.of(1, 1, 0, 1) },
    ]);
  });

  it('leaves a zero where a value of several kinds is absent', () => {
    const texts = readings(2, (row) => (row === 0 ? { state: 'on' } : {}));
    const all = concatBatches([texts, readings(1, () => ({ state: 1 }))]);
    expect(all.columns).toMatchObject([
      { kind: 'mixed', values: ['on', 0, 1], present: Uint8Array.of(1, 0, 1) },
    ]);
  });

  it('makes one series of equal tags, whichever order they are named in', () => {
    const one = readings(1, () => ({ a: 1 }), [{ b: '1', a: '2' }]);
    const other = readings(1, () => ({ a: 1 }), [{ a: '2', b: '1' }]);
    expect(concatBatches([one, other]).series).toHaveLength(1);
  });
});

describe('blocks of one stream after another', () => {
  /** Each machine walks by itself: smaller with the readings of each machine together. */
  const steady = (row: number) => ({ temp: (row % 4) * 100_000 + (row >> 2) * 3 + noise(row, 2) });
  /** All machines show the same, each time another: smaller in order of arrival. */
  const common = (row: number) => ({ temp: noise(row >> 2, 4096) });
  const machines = ['a', 'b', 'c', 'd'].map((machine) => ({ machine }));
  const bytesOf = (values: typeof steady, orders?: SectionOrders): number =>
    encodeBlock([readings(512, values, machines)], orders === undefined ? {} : { orders }).bytes.length;

  it('are as small as with both orders tried, when they resemble each other', () => {
    for (const values of [steady, common]) {
      const orders = new SectionOrders();
      const sizes = Array.from({ length: 20 }, () => bytesOf(values, orders));
      expect(new Set(sizes)).toEqual(new Set([bytesOf(values)]));
    }
  });

  it('have both orders tried again after sixteen blocks', () => {
    const orders = new SectionOrders();
    bytesOf(common, orders);
    const sizes = Array.from({ length: 16 }, () => bytesOf(steady, orders));
    expect(sizes[0]).toBeGreaterThan(bytesOf(steady));
    expect(sizes.at(-1)).toBe(bytesOf(steady));
  });

  it('have both orders tried again when they have other columns', () => {
    const orders = new SectionOrders();
    bytesOf(common, orders);
    const wider = (row: number) => ({ ...steady(row), ok: true });
    expect(bytesOf(wider, orders)).toBe(bytesOf(wider));
  });
});
