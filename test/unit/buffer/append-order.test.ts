import { expect, test } from 'vitest';
import { AppendOrder } from '#agent/buffer/append-order.ts';
import type { DiskAnswer, WriteCall } from '#agent/buffer/disk-protocol.ts';

const full = { ok: false, trouble: 'full', message: 'no room' } as const;
let id = 0;
const append = (place: number): WriteCall => ({ id: ++id, call: 'append', ask: [], place });
const settle = (): WriteCall => ({ id: ++id, call: 'settle', ask: null }) as unknown as WriteCall;
const items = (...requests: WriteCall[]) => requests.map((request) => ({ request, tries: 0 }));

test('what is behind a refused append is refused with it, what is before it and settlements are not', () => {
  const order = new AppendOrder();
  order.decided(append(5), full);
  const answers: DiskAnswer[] = [];
  const group = items(append(4), append(6), settle(), append(7));

  const admitted = order.admit(group, answers);

  expect(admitted).toEqual([group[0], group[2]]);
  expect(answers).toEqual([1, 3].map((i) => ({ id: group[i]!.request.id, ok: true, answer: full })));
});

test('a group that begins with the refused append is tried whole', () => {
  const order = new AppendOrder();
  order.decided(append(5), full);
  const group = items(append(5), append(6));

  expect(order.admit(group, [])).toEqual(group);
});

test('urgent appends and the others have each an order of their own', () => {
  const order = new AppendOrder();
  order.decided(append(5), full);
  const group = items({ ...append(6), urgent: true }, append(7));

  expect(order.admit(group, [])).toEqual([group[0]]);
});

test('once the refused append is stored, everything may follow', () => {
  const order = new AppendOrder();
  order.decided(append(6), full);
  order.decided(append(5), full);
  order.decided(append(6), { ok: true });
  expect(order.admit(items(append(7)), [])).toEqual([]);

  order.decided(append(5), { ok: true });

  const group = items(append(7));
  expect(order.admit(group, [])).toEqual(group);
});
