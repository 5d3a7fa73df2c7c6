import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '#agent/config/load-config.ts';
import { planReload } from '#agent/config/plan-reload.ts';
import { printConfig } from '#agent/config/print-config.ts';
import { renderProblems } from '#agent/config/render-problems.ts';
import {
  formatDuration,
  formatRate,
  formatSize,
  meantDuration,
  meantSize,
  parseDuration,
  parseRate,
  parseSize,
} from '#agent/config/units.ts';

const load = (text: string, env: Record<string, string> = {}) =>
  loadConfig({ files: [{ name: 'c.yaml', text }], env, checkExpression: () => null });

const good = `
agent: { id: gw-7, site: plant-3 }
sources:
  line:
    type: mqtt
    url: mqtts://broker:8883
    topics: ["plant/+/+/telemetry", 'x/#']
    password: { secret: line }
    keep_alive: 1m30s
  sensors: { type: broker, listen: "[::1]:1883", users: [{ name: a, password: { secret: a }, publish: ["a/#"] }] }
  old: { type: replay, path: /tmp/x.csv, format: csv, speed: 2.5x }
streams:
  vibration:
    from: [line, sensors]
    match: "plant/{plant}/{machine}/telemetry"
    decode: { format: json, time: ts, time_unit: ms, fields: { t: temp } }
    stages:
      - keep: 'reading.temp > -40.0'
      - calibrate: { field: temp, points: [[0, 1], [10, 12]] }
      - deadband: { field: temp, absolute: 0.2, max_interval: 10m }
      - rename: { "a$b": "$\${c}" }
buffer: { size: 512MiB, keep_free: 10%, when_full: block }
uplinks:
  cloud: { type: http, url: "https://in.example/v1", streams: ["vib*"], token: { secret: cloud }, budget: { rate: 256KiB/s } }
tests:
  - { name: t, stream: vibration, input: [{ topic: plant/a/b/telemetry, payload: { temp: 1, x: ["\${HOME:-}"] } }], expect: [{ values: { temp: null } }] }
`;

const words = fc.constantFrom(
  'sources',
  'streams',
  'uplinks',
  'buffer',
  'type',
  'mqtt',
  'qos',
  '{',
  '}',
  '[',
  ']',
  ': ',
  ', ',
  '- ',
  '\n',
  '\n  ',
  '\n    ',
  '&a ',
  '*a',
  '<<',
  '"',
  "'",
  '|',
  '>',
  '#',
  '${',
  '${X}',
  '$$',
  '!!int ',
  '~',
  '1e999',
  '.inf',
  '0x10',
  '__proto__',
  'constructor',
  '10s',
  '5MiB',
  '? ',
  '--- ',
  '%YAML 1.1\n',
  '\t',
  '\r\n',
  '\0',
  '\ufeff',
  '😀',
  'null',
  'true',
  '-1',
  '0.5',
);

describe('loading', () => {
  test('never throws, and says something about whatever it refuses', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(words, { maxLength: 60 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const loaded = load(text, { X: text });
        if (!loaded.ok) {
          expect(loaded.problems.length).toBeGreaterThan(0);
          expect(renderProblems(loaded.problems)).not.toContain('undefined');
        }
      }),
      { numRuns: 80 },
    );
  });

  test('survives a good config with pieces cut out, doubled or replaced, and points into the text', () => {
    const lines = good.split('\n');
    const edit = fc.record({
      at: fc.nat(good.length),
      length: fc.nat(30),
      insert: fc.oneof(words, fc.string({ unit: 'binary', maxLength: 8 })),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        let text = good;
        for (const { at, length, insert } of edits)
          text = text.slice(0, at) + insert + text.slice(at + length);
        const loaded = load(text, { SEDGE__BUFFER__SIZE: text.slice(0, 20) });
        if (loaded.ok) return;
        for (const problem of loaded.problems) {
          expect(problem.line).toBeGreaterThan(0);
          expect(problem.line).toBeLessThanOrEqual(lines.length + 40);
          expect(problem.excerptColumn).toBeLessThanOrEqual(problem.excerpt.length + 1);
        }
      }),
      { numRuns: 80 },
    );
  });

  test('what is printed loads to the same config, and a reload of it changes nothing', () => {
    const loaded = load(good);
    if (!loaded.ok) throw new Error(renderProblems(loaded.problems));
    const again = load(printConfig(loaded.config));
    if (!again.ok) throw new Error(renderProblems(again.problems));
    expect(again.config).toEqual(loaded.config);
    expect(planReload(loaded.config, again.config)).toEqual([]);
  });

  test('any text survives printing and loading', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
        fc.json({ maxDepth: 3 }),
        (text, payload) => {
          const config = {
            streams: { v: {} },
            tests: [
              {
                name: 't',
                stream: 'v',
                input: [
                  { topic: 'a', payload: text },
                  { topic: 'a', payload: JSON.parse(payload) as unknown },
                ],
              },
            ],
          };
          const escaped = JSON.stringify(config).replaceAll('$', '$$$$');
          const loaded = load(escaped);
          // A key of the payload may be one that is refused; every text is taken.
          fc.pre(loaded.ok || payload.includes('__proto__') || payload.includes('""'));
          if (!loaded.ok) return;
          const again = load(printConfig(loaded.config));
          expect(again.ok ? again.config : again.problems).toEqual(loaded.config);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('units', () => {
  const count = fc.maxSafeNat();

  test('durations, sizes and rates are read back as they were written', () => {
    fc.assert(
      fc.property(count, (n) => {
        expect(parseDuration(formatDuration(n))).toBe(n);
        expect(parseSize(formatSize(n))).toBe(n);
        expect(parseRate(formatRate(n))).toBe(n);
      }),
    );
  });

  test('a duration is the sum of its parts', () => {
    const part = fc.nat(1000);
    fc.assert(
      fc.property(part, part, part, part, part, (d, h, m, s, ms) => {
        const sum = (((d * 24 + h) * 60 + m) * 60 + s) * 1000 + ms;
        expect(parseDuration(`${d}d${h}h${m}m${s}s${ms}ms`)).toBe(sum);
      }),
    );
  });

  test('no text but a unit makes a value, and a suggestion is always legal', () => {
    const texts = fc.oneof(fc.string({ maxLength: 12 }), fc.stringMatching(/^\d{0,3}\.?\d? ?[a-zA-Z]{0,4}$/));
    fc.assert(
      fc.property(texts, (text) => {
        if (/^[\d.\s]*$/.test(text)) {
          expect(parseDuration(text)).toBeNull();
          expect(parseSize(text)).toBeNull();
        }
        const duration = meantDuration(text);
        if (duration !== null) expect(parseDuration(duration)).not.toBeNull();
        const size = meantSize(text);
        if (size !== null) expect(parseSize(size) ?? parseRate(size)).not.toBeNull();
      }),
      { numRuns: 200 },
    );
  });
});
