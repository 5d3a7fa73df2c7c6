import { describe, expect, it } from 'vitest';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { decodeJournalRow, encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';

function oneReading() {
  const builder = new BatchBuilder({ stream: 'vibration', clock: 'device', capacity: 1 });
  builder.begin({ tags: { machine: 'm4' }, timeMicros: 1_700_000_000_000_000 });
  builder.set('temp', 21.5);
  return builder.finish();
}

describe('encodeJournalRow', () => {
  it('adds at most 40 bytes to the names and values of a lone reading', () => {
    const names = 'machine'.length + 'm4'.length + 'temp'.length;
    expect(encodeJournalRow(oneReading()).length).toBeLessThanOrEqual(40 + names);
  });

  it('gives a buffer of its own that can be transferred', () => {
    const bytes = encodeJournalRow(oneReading());
    expect(bytes.buffer.byteLength).toBe(bytes.length);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    expect(bytes.length).toBe(0);
  });
});

describe('decodeJournalRow', () => {
  it('reads a row from the middle of other bytes', () => {
    const row = encodeJournalRow(oneReading());
    const page = new Uint8Array(row.length + 7);
    page.set(row, 3);
    const result = decodeJournalRow(page.subarray(3, 3 + row.length), { stream: 'vibration' });
    expect(result).toEqual({ ok: true, value: oneReading() });
  });

  it('tells bytes of something else, a newer version and damage apart', () => {
    const code = (at: number, value: number) => {
      const row = encodeJournalRow(oneReading());
      row[at] = value;
      const result = decodeJournalRow(row, { stream: 'vibration' });
      return result.ok ? 'ok' : result.error.code;
    };
    expect(code(0, 0)).toBe('magic');
    expect(code(1, 9)).toBe('version');
    expect(code(5, 9)).toBe('checksum');
    expect(decodeJournalRow(new Uint8Array(3), { stream: 's' })).toMatchObject({
      error: { code: 'truncated' },
    });
  });

  it('refuses times that no block could hold, so that such a row is set aside instead of failing to be sealed for ever', () => {
    const code = (time: number, readings = 1) => {
      const batch = oneReading();
      const timeMicros = new Float64Array(readings).fill(time);
      const [column] = batch.columns;
      const values = new Float64Array(readings);
      const wide = {
        length: readings,
        quality: new Uint8Array(readings),
        seriesIndex: new Uint32Array(readings),
      };
      const row = encodeJournalRow({
        ...batch,
        ...wide,
        timeMicros,
        columns: [{ ...column!, values } as never],
      });
      const result = decodeJournalRow(row, { stream: 'vibration' });
      return result.ok ? 'ok' : result.error.code;
    };
    expect([0, -(2 ** 53) + 1].map((time) => code(time))).toEqual(['ok', 'ok']);
    expect([NaN, Infinity, 0.5, 2 ** 53, -(2 ** 53)].map((time) => code(time))).toEqual(
      Array.from({ length: 5 }, () => 'malformed'),
    );
    expect(code(2 ** 53, 40)).toBe('malformed');
  });
});
