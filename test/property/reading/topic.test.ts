import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentMap } from '#agent/reading/recent-map.ts';
import { filterCovers, filterProblem, filtersOverlap, matchesFilter } from '#agent/reading/topic-filter.ts';
import { patternFilter, patternProblem, TopicRouter } from '#agent/reading/topic-match.ts';

const level = fc.constantFrom('a', 'b', '', '$x');
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([parts, open]) => (open ? [...parts.slice(1), '#'] : parts).join('/'));

/** The rules of MQTT 5 §4.7 as a regular expression. */
function twin(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  const source = filter
    .replaceAll('$', String.raw`\$`)
    .replaceAll('+', '[^/]*')
    .replace(/\/#$/, '(/.*)?')
    .replace(/^#$/, '.*');
  return new RegExp(`^${source}$`).test(topic);
}

describe('topic filters', () => {
  it('take what their regular expression takes', () => {
    fc.assert(
      fc.property(filter, topic, (filter, topic) => {
        expect(matchesFilter(filter, topic)).toBe(twin(filter, topic));
      }),
    );
  });

  it('overlap when a topic is taken by both, and cover when none escapes', () => {
    fc.assert(
      fc.property(filter, filter, topic, (one, other, topic) => {
        const [a, b] = [matchesFilter(one, topic), matchesFilter(other, topic)];
        if (a && b) expect(filtersOverlap(one, other)).toBe(true);
        if (b && !a) expect(filterCovers(one, other)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('are validated without throwing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(0xffff), { maxLength: 12 }).map((units) => String.fromCharCode(...units)),
        (text) => {
          filterProblem(text);
          patternProblem(text);
        },
      ),
    );
  });
});

describe('TopicRouter', () => {
  it('routes as the filters of its patterns say, cached or not', () => {
    const pattern = fc.oneof(filter, fc.constantFrom('{p}/a', 'a/{q}/#', '{p}/{q}'));
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 4 }),
        fc.array(topic, { maxLength: 8 }),
        (patterns, topics) => {
          const valid = patterns.filter((one) => one !== '' && patternProblem(one) === null);
          const router = new TopicRouter(
            valid.map((match, stream) => ({ stream, match })),
            { cacheLimit: 2 },
          );
          for (const topic of [...topics, ...topics]) {
            const expected = [...valid.keys()].filter((i) => twin(patternFilter(valid[i]!), topic));
            expect(router.route(topic).map((route) => route.stream)).toEqual(expected);
          }
        },
      ),
    );
  });
});

describe('RecentMap', () => {
  it('never exceeds its limit, never lies, and holds what was used last', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 60 }), (keys) => {
        const map = new RecentMap<number, number>(6);
        const recent: number[] = [];
        for (const key of keys) {
          const value = map.get(key);
          const distinct = [...new Set(recent.toReversed())];
          if (distinct.slice(0, 3).includes(key)) expect(value).toBe(key);
          if (value === undefined) map.set(key, key);
          else expect(value).toBe(key);
          recent.push(key);
          expect(map.size).toBeLessThanOrEqual(6);
        }
      }),
    );
  });
});
