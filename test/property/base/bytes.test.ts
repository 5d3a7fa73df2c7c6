import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, MalformedBytes } from '#agent/base/byte-reader.ts';
import { ByteWriter } from '#agent/base/byte-writer.ts';

describe('ByteReader', () => {
  it('reads back every varint up to 2^53 - 1', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const writer = new ByteWriter(1);
        writer.varint(value);
        expect(new ByteReader(writer.finish()).varint()).toBe(value);
      }),
    );
  });

  it('reads back text and aligned floats, bit for bit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.double(), (text, float) => {
        const writer = new ByteWriter(1);
        writer.text(text);
        writer.align(8);
        writer.float64(float);

        const reader = new ByteReader(writer.finish());

        expect(reader.text()).toBe(text);
        reader.align(8);
        expect(Object.is(reader.float64(), float)).toBe(true);
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  it('meets any bytes with a value or MalformedBytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const reader = new ByteReader(bytes);
        try {
          for (;;) {
            reader.varint();
            reader.text();
            reader.count(100, 'items');
          }
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBytes);
        }
      }),
    );
  });
});
