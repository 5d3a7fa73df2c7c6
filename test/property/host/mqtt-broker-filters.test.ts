import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FilterTree } from '#agent/host/mqtt-broker-filters.ts';
import { filterProblem, matchesFilter, topicProblem } from '#agent/reading/topic-filter.ts';

const level = fc.constantFrom('a', 'b', '', '$s');
const filter = fc
  .array(fc.oneof(level, fc.constantFrom('+', '#')), { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((text) => filterProblem(text) === null && !text.startsWith('$share/'));
const topic = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((text) => topicProblem(text) === null);
const action = fc.record({ filter, owner: fc.constantFrom('x', 'y'), added: fc.boolean() });

it('finds the subscriptions of a topic that a look at every filter finds', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 12 }), topic, (actions, name) => {
      const tree = new FilterTree<string, string>();
      const twin = new Map<string, [string, string]>();
      for (const one of actions) {
        const key = `${one.owner} ${one.filter}`;
        if (one.added) {
          tree.set(one.filter, one.owner, one.filter);
          twin.set(key, [one.owner, one.filter]);
        } else {
          tree.delete(one.filter, one.owner);
          twin.delete(key);
        }
      }
      const expected = [...twin.values()].filter(([, wanted]) => matchesFilter(wanted, name));
      const sorted = (pairs: [string, string][]): string[] => pairs.map((pair) => pair.join(' ')).toSorted();
      expect(sorted(tree.match(name))).toEqual(sorted(expected));
      expect(tree.size).toBe(twin.size);
    }),
  );
});
