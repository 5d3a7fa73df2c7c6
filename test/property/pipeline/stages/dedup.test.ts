import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HashTimes } from '#agent/pipeline/signal/hash-times.ts';
import { conversion } from '#agent/pipeline/ucum/conversion.ts';
import { parseUnit } from '#agent/pipeline/ucum/parse-unit.ts';
import { run } from '#test/unit/pipeline/pipeline-fixture.ts';
import type { Plain } from '#test/unit/pipeline/pipeline-fixture.ts';
import { readings, runs } from './signal-arbitraries.ts';

test('a dedup passes what its twin passes, which remembers everything', () => {
  const near = readings.map((list) => list.filter(({ at }) => at < 1000));
  fc.assert(
    fc.property(near, fc.constantFrom<'a'[] | undefined>(['a'], undefined), (input, by) => {
      const key = ({ at, values, tags }: Plain): string | null => {
        if (by === undefined && Object.keys(values).length === 0) return null;
        if (by !== undefined && values['a'] === undefined) return null;
        const shown = Object.entries(by === undefined ? values : { a: values['a']! })
          .map(([name, value]) => `${name} ${typeof value} ${String(value)}`)
          .toSorted();
        return JSON.stringify([tags, shown, by === undefined ? at : 0]);
      };
      const seen = new Set<string>();
      const twin = input.filter((one) => {
        const text = key(one);
        if (text === null) return true;
        if (seen.has(text)) return false;
        seen.add(text);
        return true;
      });
      expect(run([{ dedup: { ...(by === undefined ? {} : { by }), within: 3_600_000 } }], input).out).toEqual(
        twin,
      );
    }),
    runs,
  );
});

test('a map from hash to time does what a Map does', () => {
  const action = fc.oneof(
    fc.tuple(fc.constant('set' as const), fc.integer({ min: 0, max: 400 })),
    fc.constant(['drop'] as const),
  );
  fc.assert(
    // Hashes that begin their search at few places make long runs, across the end of the table too.
    fc.property(
      fc.array(action, { maxLength: 600 }),
      fc.constantFrom(1, 64, 127 * 2 ** 25),
      (actions, spread) => {
        const times = new HashTimes();
        const twin = new Map<number, number>();
        for (const [i, [kind, n = 0]] of actions.entries()) {
          if (kind === 'set') {
            times.set(n * spread, i);
            twin.set(n * spread, i);
          } else if (twin.size > 0) {
            times.dropFirst();
            twin.delete(twin.keys().next().value!);
          }
        }
        expect(times.size).toBe(twin.size);
        expect(Array.from({ length: times.size }, (_, i) => [times.at(i), times.get(times.at(i))])).toEqual([
          ...twin,
        ]);
        for (let n = 0; n <= 400; n++) expect(times.get(n * spread)).toBe(twin.get(n * spread));
      },
    ),
    runs,
  );
});

test('readings replayed any number of times come out exactly once', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer(), { maxLength: 30 }), fc.array(fc.nat(29)), (ids, again) => {
      const first = ids.map((id, at) => ({ at, values: { id } }));
      const replays = again.filter((i) => i < ids.length).map((i) => first[i]!);
      expect(run([{ dedup: { by: ['id'] } }], [...first, ...replays]).out.map(({ at }) => at)).toEqual(
        first.map(({ at }) => at),
      );
    }),
    runs,
  );
});

test('a conversion and the one back give the value again, to the last digits', () => {
  const pair = fc.constantFrom(
    ['Cel', '[degF]'],
    ['K', '[degRe]'],
    ['[psi]', 'bar'],
    ['km/h', '[kn_i]'],
    ['deg', 'rad'],
    ['[gal_us]/min', 'm3/h'],
    ['eV', 'kW.h'],
  );
  fc.assert(
    fc.property(pair, fc.double({ min: -1e6, max: 1e6, noNaN: true }), ([from, to], value) => {
      const there = conversion({ from: from, to: to, isDifference: false });
      const back = conversion({ from: to, to: from, isDifference: false });
      if (!there.ok || !back.ok) throw new Error('a pair that converts');
      // Scales with a zero of their own round at the size of their shift.
      expect(Math.abs(back.value(there.value(value)) - value)).toBeLessThanOrEqual(
        4e-16 * (Math.abs(value) + 1000),
      );
    }),
    runs,
  );
});

test('no text makes the parser of units throw or take long', () => {
  const text = fc.string({
    unit: fc.constantFrom('m', 'k', '[', ']', '(', ')', '.', '/', '2', '-', '{', '}', '10*', "'"),
    maxLength: 40,
  });
  fc.assert(
    fc.property(text, (code) => {
      expect(typeof parseUnit(code).ok).toBe('boolean');
    }),
    runs,
  );
});
