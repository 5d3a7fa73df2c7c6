import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EntryToStore } from '#agent/buffer/append.ts';
import type { SavedState } from '#agent/reading/journal-entry.ts';
import { entryOf, smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
  rig.store.open(smallSettings);
});
afterEach(() => rig.dispose());

const state = (kind: SavedState['kind'], ...bytes: number[]): SavedState => ({
  kind,
  bytes: Uint8Array.from(bytes),
});

function append(stream: string, saved: SavedState, entry: EntryToStore = entryOf(stream, [1])) {
  const entries = [entry, { stream, received: 0, filtered: [], marks: [], rows: [], state: saved }];
  return rig.store.commit([{ kind: 'append', entries }], rig.now).outcomes[0];
}

const kept = () =>
  rig.store
    .pipelineStates()
    .map(({ stream, states }) => [stream, ...states.map(({ kind, bytes }) => [kind, ...bytes])]);

test('what stages remember is kept by stream, in order, over a restart; a full state takes the place of all before', () => {
  append('s', state('full', 1));
  append('t', state('full', 9));
  append('s', state('delta', 2));
  append('s', state('delta', 3));
  rig.reborn().open(smallSettings);
  expect(kept()).toEqual([
    ['s', ['full', 1], ['delta', 2], ['delta', 3]],
    ['t', ['full', 9]],
  ]);

  append('s', state('full', 4));
  append('s', state('delta', 5));

  expect(kept()[0]).toEqual(['s', ['full', 4], ['delta', 5]]);
});

test('a state is stored with its readings or not at all', () => {
  append('s', state('full', 0));
  rig.faults.set(null);
  append('s', state('full', 1));
  rig.faults.set({ kind: 'io', atStatement: rig.faults.statements - 1, afterwards: false });

  expect(append('s', state('delta', 2))).toMatchObject({ ok: false, trouble: 'io' });

  rig.faults.set(null);
  expect(kept()).toEqual([['s', ['full', 1]]]);
  expect(rig.store.ledger().streams[0]).toMatchObject({ received: 2 });
});

test('states count in the cap', () => {
  const bytes = new Uint8Array(60_000);
  let stored = 0;
  while (append('s', { kind: 'delta', bytes })?.ok === true) stored++;

  expect(append('s', { kind: 'delta', bytes })).toMatchObject({ ok: false, trouble: 'full' });
  expect(stored).toBeGreaterThan(3);
  expect(stored * bytes.length).toBeLessThan(smallSettings.sizeBytes);
});
