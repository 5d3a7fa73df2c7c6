import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MarkHistory } from '#agent/ingest/mark-history.ts';

/** The ring forgets by places: a message is known while it was put at most `capacity` puts ago. */
class Twin {
  readonly #capacity: number;
  readonly #marks = new Map<string, { put: number; flags: number }>();
  #puts = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  flagsOf(packetId: number, hash: number): number {
    const mark = this.#marks.get(`${packetId} ${hash}`);
    return mark === undefined || mark.put < this.#puts - this.#capacity ? -1 : mark.flags;
  }

  put(packetId: number, hash: number, flags: number): void {
    this.#marks.set(`${packetId} ${hash}`, { put: this.#puts++, flags });
  }

  mark(packetId: number, hash: number, flags: number): void {
    const mark = this.#marks.get(`${packetId} ${hash}`);
    if (mark !== undefined) mark.flags |= flags;
  }
}

const someId = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 65_533, max: 65_535 }));
const someHash = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.constantFrom(0xffffffff, 0x80000000, 0x7fffffff),
);
const actions = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constant('put' as const), someId, someHash, fc.nat(3)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('mark' as const), someId, someHash, fc.nat(3)) },
  ),
  { minLength: 0, maxLength: 3_000, size: 'max' },
);

test.each([256, 1024])(
  'a history of %i messages knows what was put last, as a list of everything does',
  (capacity) => {
    fc.assert(
      fc.property(actions, (script) => {
        const history = new MarkHistory(capacity);
        const twin = new Twin(capacity);
        for (const [act, packetId, hash, flags] of script) {
          history[act](packetId, hash, flags);
          twin[act](packetId, hash, flags);
        }

        const differ = script.filter(
          ([, packetId, hash]) => history.flagsOf(packetId, hash) !== twin.flagsOf(packetId, hash),
        );
        expect(differ).toEqual([]);
        expect(history.size).toBeLessThanOrEqual(capacity);
        expect(history.flagsOf(9, 9)).toBe(-1);
      }),
      { numRuns: 20, endOnFailure: true },
    );
  },
);

test('a cleared history knows nothing and starts anew', () => {
  const history = new MarkHistory(256);
  history.put(1, 2, 3);

  history.clear();

  expect(history.flagsOf(1, 2)).toBe(-1);
  history.put(1, 2, 0);
  expect([history.flagsOf(1, 2), history.size]).toEqual([0, 1]);
});
