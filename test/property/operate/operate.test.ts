import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { millis } from '#agent/base/units.ts';
import { renderMetrics } from '#agent/operate/exposition.ts';
import { limits } from '#agent/operate/limits.ts';
import { formatLine } from '#agent/operate/log-line.ts';
import { bucketBounds, MetricsRegistry } from '#agent/operate/metrics-registry.ts';
import { redact } from '#agent/operate/redact.ts';
import { RepeatLimiter } from '#agent/operate/repeat-limiter.ts';
import { formatBytes } from '#agent/base/words.ts';
import { micros } from '#agent/base/units.ts';

/** Text of what breaks lines, quotes, terminals and encodings, amid what does not. */
const nasty = fc.string({
  unit: fc.constantFrom(
    'a',
    'B',
    '7',
    ' ',
    '"',
    '\\',
    '\n',
    '\r',
    '\t',
    '{',
    '}',
    '=',
    ',',
    '<',
    'ü',
    '界',
    '😀',
    '\ud800',
    '\u0000',
    '\u001b',
    '\u007f',
    '\u0085',
    '\u009b',
    '\u2028',
    '\u2029',
    '://',
    '@',
    'bearer ',
  ),
  maxLength: 30,
});

/** A label value as a scraper reads it back (Prometheus text format, escapes). */
function unescaped(text: string): string {
  return text.replaceAll(/\\(\\|"|n)/g, (_, escape: string) => (escape === 'n' ? '\n' : escape));
}

describe('RepeatLimiter', () => {
  it('accounts for every record: printed or summed up, as one that remembers everything would', () => {
    const steps = fc.array(
      fc.record({ key: fc.constantFrom('a', 'b', 'c'), wait: fc.integer({ min: 0, max: 15_000 }) }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 3 }), (script, allowance) => {
        const limiter = new RepeatLimiter<string>(allowance);
        let now = 0;
        let printed = 0;
        let held = 0;
        let expectedPrinted = 0;
        const windows = new Map<string, { end: number; count: number }>();
        for (const { key, wait } of script) {
          now += wait;
          for (const repeats of limiter.expire(now)) held += repeats.held;
          if (limiter.admit(key, key, millis(now))) printed++;

          const window = windows.get(key);
          if (window === undefined || window.end <= now) {
            windows.set(key, { end: now + limits.repeatWindowMs, count: 1 });
            expectedPrinted++;
          } else if (window.count < allowance) {
            window.count++;
            expectedPrinted++;
          }
          const due = limiter.nextDeadline();
          expect(due !== null && due > now && due <= now + limits.repeatWindowMs).toBe(true);
        }
        for (const repeats of limiter.expire(Infinity)) held += repeats.held;

        expect(printed).toBe(expectedPrinted);
        expect(printed + held).toBe(script.length);
        expect(limiter.nextDeadline()).toBeNull();
      }),
    );
  });
});

describe('renderMetrics', () => {
  it('writes any label value so that a scraper reads it back', () => {
    fc.assert(
      fc.property(nasty, (value) => {
        const registry = new MetricsRegistry({ x: { type: 'counter', unit: '', help: 'X.', labels: ['l'] } });
        registry.count('x', { l: value }, 1);

        const match = /^sedge_x_total\{l="((?:[^"\\\n]|\\.)*)"\} 1$/m.exec(
          renderMetrics(registry.metrics(), 'openmetrics'),
        );

        expect(match === null ? null : unescaped(match[1]!)).toBe(value);
      }),
    );
  });

  it('writes buckets that never fall and end at the count', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: 0, max: 1e3 }), { minLength: 1, maxLength: 50 }),
        (values) => {
          const declaration = { type: 'histogram', unit: 'seconds', help: 'X.', labels: [] } as const;
          const registry = new MetricsRegistry({ x_seconds: declaration });
          for (const value of values) registry.observe('x_seconds', value, undefined);

          const text = renderMetrics(registry.metrics(), 'prometheus');
          const counts = [...text.matchAll(/_bucket\{le="[^"]+"\} (\d+)/g)].map((match) => Number(match[1]));

          const twin = bucketBounds(declaration).map(
            (bound) => values.filter((value) => value <= bound).length,
          );
          expect(counts).toEqual([...twin, values.length]);
        },
      ),
    );
  });
});

describe('formatLine', () => {
  it('never lets a message or a field break out of its line', () => {
    const formats = fc.constantFrom('journald', 'pretty', 'json', 'logfmt');
    fc.assert(
      fc.property(nasty, nasty, formats, (message, value, format) => {
        const record = {
          wallMicros: micros(0),
          level: 'info',
          event: 'a.b',
          message,
          fields: { value },
        } as const;

        const line = formatLine(record, format, false);

        // oxlint-disable-next-line no-control-regex
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      }),
    );
  });

  it('strikes every password in a URL out', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9!$&'()*+,;=%@:._~-]{4,20}$/);
    fc.assert(
      fc.property(word, word, (user, password) => {
        const clean = redact(`cannot reach mqtts://${user}:SECRET${password}@broker:8883/x (refused)`);

        expect(clean).toBe('cannot reach mqtts://***@broker:8883/x (refused)');
      }),
    );
  });
});

describe('formatBytes', () => {
  it('stays within six figures and names a unit that fits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
        const [figure = '', unit = ''] = formatBytes(bytes).split(' ');
        const scale = { byte: 0, bytes: 0, KiB: 1, MiB: 2, GiB: 3, TiB: 4 }[unit] ?? Number.NaN;

        expect(figure.length).toBeLessThanOrEqual(4);
        expect(Math.abs(Number(figure) * 1_024 ** scale - bytes)).toBeLessThanOrEqual(
          Math.max(bytes * 0.06, 0.5),
        );
      }),
    );
  });
});
