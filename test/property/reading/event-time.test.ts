import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTime, readTime, TimeFormatter } from '#agent/reading/event-time.ts';

const micros = fc.maxSafeInteger();
const nanos = fc.integer({ min: 0, max: 999 });

describe('event time', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(micros, nanos, (micros, nanos) => {
        const out = { micros: 0, nanos: 0 };
        expect(readTime(formatTime(micros, nanos), 'auto', out)).toBeNull();
        expect(out).toEqual({ micros, nanos });
      }),
    );
  });

  it('agrees with Date wherever Date can tell', () => {
    fc.assert(
      fc.property(fc.integer({ min: -9e12, max: 9e12 }), (ms) => {
        expect(formatTime(ms * 1000)).toBe(new Date(ms).toISOString());
      }),
    );
  });

  it('reads integers of any unit exactly', () => {
    fc.assert(
      fc.property(micros, nanos, (micros, nanos) => {
        const total = BigInt(micros) * 1000n + BigInt(nanos);
        for (const value of [total, String(total)]) {
          const out = { micros: 0, nanos: 0 };
          expect(readTime(value, 'ns', out)).toBeNull();
          expect(out).toEqual({ micros, nanos });
        }
      }),
    );
  });

  it('writes the same with and without a memory of the last second', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 3e6 }), nanos), { maxLength: 10 }), (times) => {
        const formatter = new TimeFormatter();
        for (const [micros, nanos] of times) {
          expect(formatter.format(micros, nanos)).toBe(formatTime(micros, nanos));
        }
      }),
    );
  });

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.double(), fc.bigInt(), fc.string(), fc.boolean()),
        fc.constantFrom('auto', 's', 'ms', 'us', 'ns', 'rfc3339'),
        (value, unit) => {
          const out = { micros: 0, nanos: 0 };
          if (readTime(value, unit, out) !== null) return;
          expect(Number.isSafeInteger(out.micros)).toBe(true);
          expect(out.nanos >= 0 && out.nanos <= 999).toBe(true);
        },
      ),
    );
  });
});
