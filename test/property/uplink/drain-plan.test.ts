import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { micros, millis } from '#agent/base/units.ts';
import type { StreamBacklog } from '#agent/ports/store.ts';
import { type DrainOrder, DrainPlan, type PlannedRange } from '#agent/uplink/drain-plan.ts';

type Fate = 'free' | 'open' | 'settled' | 'lost';

/** The dumb twin: one fate a reading, the store's bound counted from them. */
class Twin {
  readonly fates = new Map<string, Fate[]>();

  grow(stream: string, count: number): void {
    const fates = this.fates.get(stream) ?? [];
    for (let i = 0; i < count; i++) fates.push('free');
    this.fates.set(stream, fates);
  }

  /** Every offset of the range goes from one fate to another. */
  move(stream: string, range: { first: number; until: number }, way: { from: Fate; to: Fate }): void {
    const fates = this.fates.get(stream)!;
    if (range.first >= range.until || range.until > fates.length)
      throw new Error('a range of stored readings');
    for (let offset = range.first; offset < range.until; offset++) {
      if (fates[offset] !== way.from)
        throw new Error(`${stream} ${offset} is ${fates[offset]}, not ${way.from}`);
      fates[offset] = way.to;
    }
  }

  base(stream: string): number {
    const fates = this.fates.get(stream)!;
    const base = fates.findIndex((fate) => fate !== 'settled' && fate !== 'lost');
    return base < 0 ? fates.length : base;
  }

  settled(stream: string): [number, number][] {
    const ranges: [number, number][] = [];
    const fates = this.fates.get(stream)!;
    for (let offset = this.base(stream); offset < fates.length; offset++) {
      if (fates[offset] !== 'settled' && fates[offset] !== 'lost') continue;
      const last = ranges.at(-1);
      if (last !== undefined && last[1] === offset) last[1]++;
      else ranges.push([offset, offset + 1]);
    }
    return ranges;
  }

  backlog(): StreamBacklog[] {
    return Array.from(this.fates.keys(), (stream, i) => ({
      stream,
      priority: i * 4,
      base: this.base(stream),
      head: this.fates.get(stream)!.length,
      settled: this.settled(stream),
      bytes: 0,
      oldestMicros: micros(0),
      budgetBytes: 0,
      budgetDay: 0,
    }));
  }

  get done(): boolean {
    return [...this.fates.values()].every((fates) =>
      fates.every((fate) => fate === 'settled' || fate === 'lost'),
    );
  }
}

class Run {
  readonly twin = new Twin();
  readonly plan: DrainPlan;
  readonly prng: Prng;
  readonly open = new Map<number, PlannedRange>();
  readonly pinned = new Map<number, string>();
  now = 0;
  settledRangesMax = 0;

  constructor(order: DrainOrder, batchReadings: number, seed: number) {
    this.plan = new DrainPlan({ order, batchReadings });
    this.prng = new Prng(seed);
  }

  step(event: Parameters<DrainPlan['step']>[0]): readonly PlannedRange[] {
    return this.plan.step(event, millis(this.now));
  }

  ask(slots: number): void {
    for (const range of this.step({ kind: 'ask', slots })) {
      const key = this.pinned.get(range.id);
      if (key === undefined) this.twin.move(range.stream, range, { from: 'free', to: 'open' });
      else expect(keyOf(range), 'a retry repeats its key').toBe(key);
      expect(this.open.has(range.id)).toBe(false);
      this.open.set(range.id, range);
    }
  }

  /** One range under way meets its fate; any of them may be first. */
  answer(weather: number): void {
    if (this.open.size === 0) return;
    const range = this.prng.pick([...this.open.values()]);
    this.open.delete(range.id);
    const { id, stream } = range;
    let { first, until } = range;
    if (!this.pinned.has(id) && this.prng.chance(weather / 4)) {
      const lost = this.prng.below(until - first + 1);
      if (lost > 0) this.twin.move(stream, { first, until: first + lost }, { from: 'open', to: 'lost' });
      if (lost === until - first) {
        this.step({ kind: 'vanished', id });
        return;
      }
      first += lost;
    }
    if (!this.pinned.has(id) && this.prng.chance(weather)) {
      const end = first + 1 + this.prng.below(until - first);
      if (end < until) this.twin.move(stream, { first: end, until }, { from: 'open', to: 'free' });
      until = end;
    }
    this.step({ kind: 'narrowed', id, first, until });
    const fails = this.prng.chance(weather);
    const tooBig = until - first > 1 && this.prng.chance(weather);
    if (fails) {
      this.pinned.set(id, `${stream}/${first}-${until}`);
      this.step({ kind: 'later', id, notBefore: millis(this.now + this.prng.below(500)), failed: true });
    } else if (tooBig) {
      const readings = Math.floor((until - first) / 2);
      this.twin.move(stream, { first: first + readings, until }, { from: 'open', to: 'free' });
      this.pinned.set(id, `${stream}/${first}-${first + readings}`);
      this.step({ kind: 'split', id, readings });
    } else {
      this.twin.move(stream, { first, until }, { from: 'open', to: 'settled' });
      this.step({ kind: 'settled', id });
      this.settledRangesMax = Math.max(this.settledRangesMax, this.twin.settled(stream).length);
    }
  }
}

const keyOf = (range: PlannedRange): string => `${range.stream}/${range.first}-${range.until}`;

const cases = fc.record({
  order: fc.constantFrom<DrainOrder>('live_first', 'oldest_first'),
  batchReadings: fc.constantFrom(1, 3, 4, 16),
  seed: fc.integer({ min: 0, max: 0xffff_ffff }),
  weather: fc.constantFrom(0, 0.1, 0.4),
  steps: fc.integer({ min: 1, max: 120 }),
  slots: fc.constantFrom(1, 4, 16),
});

test('every reading is sent until it is settled once, never in two batches at once, within the bound on settled ranges', () => {
  fc.assert(
    fc.property(cases, ({ order, batchReadings, seed, weather, steps, slots }) => {
      const run = new Run(order, batchReadings, seed);
      for (let i = 0; i < steps; i++) {
        run.now += run.prng.below(200);
        const action = run.prng.below(10);
        if (action < 2) run.twin.grow(run.prng.pick(['a', 'b', 'c']), 1 + run.prng.below(60));
        else if (action < 4) run.step({ kind: 'backlog', streams: run.twin.backlog() });
        else if (action < 5) run.step({ kind: 'up' });
        else if (action < 7) run.ask(slots);
        else run.answer(weather);
      }
      run.step({ kind: 'backlog', streams: run.twin.backlog() });
      for (let i = 0; i < 20_000 && !run.twin.done; i++) {
        run.now = Math.max(run.now, run.plan.nextDeadline() ?? 0);
        run.ask(16);
        if (run.open.size === 0) throw new Error('there is always something to do');
        run.answer(weather / 2);
      }

      expect(run.twin.done).toBe(true);
      expect(run.settledRangesMax).toBeLessThanOrEqual(64);
      expect(run.plan.inspect().every((stream) => stream.waiting === 0)).toBe(true);
    }),
    { numRuns: 60 },
  );
});
