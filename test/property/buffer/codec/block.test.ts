import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '#agent/base/crc32c.ts';
import { assertBatch, sliceBatch, type Batch } from '#agent/reading/batch.ts';
import { blockHeader, decodeBlock, encodeBlock, headerBytes } from '#agent/buffer/codec/block.ts';
import { concatBatches } from '#agent/buffer/codec/concat.ts';
import { SectionOrders } from '#agent/buffer/codec/section-orders.ts';
import { anyBatch, rowsOf } from './any-batch.ts';

const batches = fc.array(anyBatch(), { minLength: 1, maxLength: 4 });
/** Long enough for parts in the tail. */
const large = fc.array(anyBatch('s', 400), { minLength: 1, maxLength: 2, size: 'max' });

function decoded(bytes: Uint8Array): Batch {
  const result = decodeBlock(bytes);
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.detail}`);
  return result.value.batch;
}

function sealed(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  const crc = crc32c(bytes.subarray(headerBytes), crc32c(bytes.subarray(0, headerBytes - 4)));
  new DataView(bytes.buffer).setUint32(headerBytes - 4, crc, true);
  return bytes;
}

describe('a block', () => {
  it('gives the readings of its batches back, row by row', () => {
    fc.assert(
      fc.property(fc.oneof({ weight: 6, arbitrary: batches }, { weight: 1, arbitrary: large }), (list) => {
        const block = encodeBlock(list);
        // As SQLite hands blobs out.
        const blob = Buffer.from(block.bytes);
        const back = decoded(blob);
        blob.fill(0xff);
        assertBatch(back);
        expect(rowsOf(back)).toEqual(list.flatMap(rowsOf));
        expect(block.readings).toBe(back.length);
      }),
      { numRuns: 300 },
    );
  });

  it('gives them back in whatever order it was found best to keep those before', () => {
    fc.assert(
      fc.property(fc.array(batches, { minLength: 2, maxLength: 4 }), (lists) => {
        const orders = new SectionOrders();
        for (const list of lists) {
          expect(rowsOf(decoded(encodeBlock(list, { orders }).bytes))).toEqual(list.flatMap(rowsOf));
        }
      }),
    );
  });

  it('holds slices of batches, whose tables of series are longer than they are', () => {
    fc.assert(
      fc.property(batches, fc.nat(), (list, cut) => {
        const slices = list.map((batch) => sliceBatch(batch, cut % (batch.length + 1), batch.length));
        for (const parts of [slices, slices.slice(0, 1)]) {
          expect(rowsOf(decoded(encodeBlock(parts).bytes))).toEqual(parts.flatMap(rowsOf));
        }
      }),
    );
  });

  it('remembers whose clock each reading was timed by', () => {
    fc.assert(
      fc.property(batches, (list) => {
        const result = decodeBlock(encodeBlock(list).bytes);
        const clocks = result.ok
          ? result.value.clocks.flatMap((run) => Array.from({ length: run.count }, () => run.clock))
          : [];
        expect(clocks).toEqual(
          list.flatMap((batch) => Array.from({ length: batch.length }, () => batch.clock)),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('gives chosen columns as the whole does', () => {
    fc.assert(
      fc.property(batches, fc.nat({ max: 3 }), (list, skipped) => {
        const { bytes } = encodeBlock(list);
        const whole = decoded(bytes);
        const wanted = whole.columns.filter((_, i) => i !== skipped).map((column) => column.name);
        const result = decodeBlock(bytes, { columns: wanted });
        expect(result).toMatchObject({ ok: true });
        expect(result.ok && result.value.batch.columns).toEqual(
          whole.columns.filter((column) => wanted.includes(column.name)),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('tells its counts and times without being decoded', () => {
    fc.assert(
      fc.property(batches, (list) => {
        const block = encodeBlock(list);
        const times = list.flatMap((batch) => [...batch.timeMicros]);
        expect(blockHeader(block.bytes.subarray(0, headerBytes))).toMatchObject({
          value: {
            readings: times.length,
            bytes: block.bytes.length,
            minTimeMicros: times.length === 0 ? 0 : Math.min(...times) + 0,
            maxTimeMicros: times.length === 0 ? 0 : Math.max(...times) + 0,
          },
        });
      }),
      { numRuns: 60 },
    );
  });

  it('notices every flipped bit', () => {
    fc.assert(
      fc.property(batches, fc.nat(), (list, bit) => {
        const { bytes } = encodeBlock(list);
        const at = bit % (bytes.length * 8);
        bytes[at >> 3]! ^= 1 << (at & 7);
        expect(decodeBlock(bytes).ok).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  it('answers with an error to anything cut off and to anything else', () => {
    fc.assert(
      fc.property(batches, fc.nat(), fc.uint8Array({ maxLength: 200 }), (list, cut, noise) => {
        const { bytes } = encodeBlock(list);
        expect(decodeBlock(bytes.subarray(0, cut % bytes.length)).ok).toBe(false);
        expect(decodeBlock(noise).ok).toBe(false);
      }),
      { numRuns: 80 },
    );
  });

  it('never throws on bytes whose checksum was made to fit', () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(batches, edits, (list, changes) => {
        const { bytes } = encodeBlock(list);
        for (const [at, value] of changes) bytes[8 + (at % (bytes.length - 8))] = value;
        const result = decodeBlock(sealed(bytes));
        if (result.ok) expect(rowsOf(result.value.batch)).toHaveLength(result.value.batch.length);
      }),
      { numRuns: 400 },
    );
  });
});

describe('concatBatches', () => {
  it('has the rows of all batches in order', () => {
    fc.assert(
      fc.property(batches, (list) => {
        const all = concatBatches(list);
        assertBatch(all);
        expect(rowsOf(all)).toEqual(list.flatMap(rowsOf));
      }),
    );
  });
});
