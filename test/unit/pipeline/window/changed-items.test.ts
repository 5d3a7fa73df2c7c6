import { expect, test } from 'vitest';
import { ChangedItems } from '#agent/pipeline/window/changed-items.ts';

function seen(items: ChangedItems<{ name: string; isDirty: boolean }>): string[] {
  const names: string[] = [];
  items.forEach(({ name }) => names.push(name));
  return names;
}

test('what became clean again counts no more, and the others keep their order, before and after a save', () => {
  const items = new ChangedItems<{ name: string; isDirty: boolean }>();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ name, isDirty: true }));
  for (const item of [a!, b!, c!]) items.add(item);
  b!.isDirty = false;
  expect([items.size, seen(items)]).toEqual([2, ['a', 'c']]);

  items.clear();
  expect([items.size, seen(items)]).toEqual([0, []]);

  items.add(c!);
  expect([items.size, seen(items)]).toEqual([1, ['c']]);
});
