import { expect, test } from 'vitest';
import { passingJson, readPage } from '#agent/assembly/readings-json.ts';
import type { ReadRequest } from '#agent/ports/store.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { MemoryStore } from '#test/support/memory-store.ts';

test('stored readings show the epoch their offsets count in', async () => {
  const store = new MemoryStore();
  store.append('s', 3);

  const page = await readPage(store, { stream: 's', from: 1, count: 2, walk: 'w' }, 'gw-7');

  expect(page.readings).toMatchObject([
    { agent: 'gw-7', epoch: store.epoch, offset: 1 },
    { agent: 'gw-7', epoch: store.epoch, offset: 2 },
  ]);
});

test('a page is one walk over its runs, and says of which walk it is', async () => {
  const store = new MemoryStore();
  store.append('s', 3);
  store.append('s', 3);
  const asked: ReadRequest[] = [];
  const spied = {
    epoch: store.epoch,
    read: (request: ReadRequest) => {
      asked.push(request);
      return store.read(request);
    },
  };

  const page = await readPage(spied, { stream: 's', from: 0, count: 5, walk: 'w7' }, 'gw-7');

  expect(page).toMatchObject({ next: 5, walk: 'w7' });
  expect(asked.map(({ from, walk }) => [from, walk])).toEqual([
    [0, 'w7'],
    [3, 'w7'],
  ]);
});

test('readings on their way have neither epoch nor offset', () => {
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  builder.begin({ tags: {}, timeMicros: 0 });
  builder.set('n', 1);

  const [reading] = passingJson(builder.finish(), 'gw-7', 10);

  expect(reading).toMatchObject({ agent: 'gw-7', epoch: null, offset: null, values: { n: 1 } });
});
