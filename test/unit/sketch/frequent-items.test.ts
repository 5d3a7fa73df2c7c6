import { expect, it } from 'vitest';
import { FrequentItems } from '#agent/sketch/frequent-items.ts';

/** As many different items as the map of 2^3 holds, and the one that empties it. */
function justPurged(): FrequentItems {
  const sketch = new FrequentItems({ lgMapSize: 3 });
  for (let i = 0; i < 7; i++) sketch.update(`item ${i}`);
  return sketch;
}

it('keeps total and error in its bytes also where a purge left no item', () => {
  const sketch = justPurged();
  expect(sketch.frequent('possible', 0)).toEqual([]);

  const parsed = FrequentItems.parse(sketch.toBytes());

  if (!parsed.ok) throw parsed.error;
  expect(parsed.value.n).toBe(7);
  expect(parsed.value.estimate('item 3')).toEqual({ item: 'item 3', lower: 0, upper: 1 });
});

it('counts an item with half of a surrogate pair as the one it comes back as', () => {
  const sketch = new FrequentItems();
  sketch.update('a\ud800', 2);
  sketch.update('a\ufffd', 3);
  sketch.update('a\ud800', 4);

  expect(sketch.estimate('a\ufffd').lower).toBe(9);
  expect(sketch.estimate('a\ud800').lower).toBe(9);
  expect(sketch.n).toBe(9);
});
