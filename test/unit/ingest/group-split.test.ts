import { describe, expect, it } from 'vitest';
import { GroupMaker } from '#agent/ingest/group.ts';
import { micros } from '#agent/base/units.ts';
import type { Arrival, StreamPlan } from '#agent/ingest/arrival.ts';
import type { AnyInlet } from '#agent/ingest/inlet.ts';
import { createDecoder } from '#agent/reading/decode/decoder.ts';
import type { SavedState } from '#agent/reading/journal-entry.ts';
import { arrival, ListedDeadLetters, plan, router } from '#test/support/mqtt-fakes.ts';

/** Messages of `count` readings whose fields share no names. */
function sparse(count: number): Arrival[] {
  return Array.from({ length: count }, (_, i) => ({
    kind: 'message',
    topic: 't',
    payload: new TextEncoder().encode(
      JSON.stringify(Object.fromEntries(Array.from({ length: 100 }, (_v, f) => [`f${i}_${f}`, f]))),
    ),
    arrivalMicros: 1,
    stream: null,
    format: null,
    mark: null,
    progress: 'offered',
    verdict: 'waiting',
    detail: '',
    ownTime: true,
  }));
}

describe('GroupMaker', () => {
  it('begins a new batch when the names of earlier messages used the columns up', () => {
    const maker = new GroupMaker({
      store: { appendBytesMax: 4_000, unstorable: () => null },
      router: { routes: () => [{ stream: 's', tags: {} }] },
      deadLetters: {
        stream: '_dead_letter',
        offer: () => expect.unreachable('nothing is undecodable'),
        take: () => null,
      },
      plans: [
        {
          name: 's',
          clock: 'agent',
          decoder: createDecoder({ format: 'json' }),
          preprocess: { process: (batch) => ({ outputs: [{ stream: 's', batch }], filtered: [] }) },
        },
      ],
    });
    const arrivals = sparse(25);

    const group = maker.make(new Map([[{ source: 'a' } as AnyInlet, arrivals]]), {
      wallMicros: micros(1),
      clockBase: null,
    });

    expect(arrivals.every((arrival) => arrival.verdict === 'stored')).toBe(true);
    expect(group.entries.length).toBe(3);
    expect(group.entries.map((entry) => entry.received)).toEqual([10, 10, 5]);
  });

  it('stores what stages remember of another stream with the readings of that stream', () => {
    let heard = 0;
    const state: SavedState = { kind: 'delta', bytes: Uint8Array.of(7) };
    const hearing: StreamPlan = {
      ...plan('b'),
      preprocess: {
        process: () => expect.unreachable('nothing of its own comes'),
        hears: true,
        changes: () => (heard++ === 0 ? state : null),
      },
    };
    const maker = new GroupMaker({
      store: { appendBytesMax: 4_000, unstorable: () => null },
      router,
      deadLetters: new ListedDeadLetters(),
      plans: [hearing, plan('a')],
    });

    const { entries } = maker.make(new Map([[{ source: 'x' } as AnyInlet, [arrival('a/1', 'text')]]]), {
      wallMicros: micros(1),
      clockBase: null,
    });

    expect(entries.map((entry) => [entry.stream, entry.received, entry.state])).toEqual([
      ['a', 1, undefined],
      ['b', 0, state],
    ]);
  });
});
