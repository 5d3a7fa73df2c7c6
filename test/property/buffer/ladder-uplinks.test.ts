import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { summaryFrame } from '#agent/reading/summary.ts';
import type { StoredRun } from '#agent/ports/store.ts';
import { entryOf, smallSettings, StoreRig } from './model/store-rig.ts';

/** What one uplink sent: how many readings, and the sum of their values, raw or in summaries. */
interface Sent {
  count: number;
  sum: number;
}

interface Carried {
  readonly uplink: string;
  readonly run: StoredRun;
}

const uplinks = [
  { name: 'cloud', streams: ['*'] },
  { name: 'hub', streams: ['*'] },
];

/** Two uplinks, each in an order of its own, with several runs on their way while the ladder goes up around them; they settle in any order. */
class Site {
  readonly rig = new StoreRig();
  readonly sent = new Map<string, Sent>(uplinks.map(({ name }) => [name, { count: 0, sum: 0 }]));
  fidelities = new Set<string>();
  appended = 0;
  sum = 0;
  #onTheWay: Carried[] = [];
  readonly #random: Prng;

  constructor(random: Prng) {
    this.#random = random;
    this.rig.store.open({
      ...smallSettings,
      whenFull: 'coarsen',
      ladderShare: 1,
      seal: { readings: 60, bytes: 8_192, ageMillis: 50 },
      uplinks,
    });
  }

  append(): void {
    const values = Array.from({ length: 10 + this.#random.below(60) }, () => this.appended++);
    for (const value of values) this.sum += value;
    const { outcomes } = this.rig.store.commit(
      [{ kind: 'append', entries: [entryOf('s', values, { textBytes: 100 })] }],
      this.rig.now,
    );
    expect(outcomes).toEqual([{ ok: true }]);
  }

  climb(): void {
    this.rig.tick(100);
    for (let i = this.#random.below(8); i >= 0; i--) this.rig.store.maintain(this.rig.now);
  }

  /** Reads a run of what waits and is not on its way, at the base or anywhere. */
  read(): void {
    const { name } = this.#random.pick(uplinks);
    const backlog = this.rig.store.backlog(name).find(({ stream }) => stream === 's');
    if (backlog === undefined || this.#onTheWay.length > 6) return;
    const taken = [
      ...backlog.settled,
      ...this.#onTheWay
        .filter(({ uplink }) => uplink === name)
        .map(({ run }) => [run.first, run.until] as const),
    ];
    let from = this.#random.chance(0.7)
      ? backlog.base
      : backlog.base + this.#random.below(backlog.head - backlog.base + 1);
    for (const [first, until] of [...taken].sort((a, b) => a[0] - b[0])) {
      if (from >= first && from < until) from = until;
    }
    const until = Math.min(
      from + 1 + this.#random.below(80),
      ...taken.map(([first]) => first).filter((first) => first > from),
      backlog.head,
    );
    if (from >= until) return;
    const run = this.rig.store.read({
      stream: 's',
      from,
      until,
      readings: until - from,
      bytes: 1 << 20,
      uplink: name,
    });
    if (run !== null) this.#onTheWay.push({ uplink: name, run });
  }

  settle(): void {
    if (this.#onTheWay.length === 0) return;
    const [{ uplink, run }] = this.#onTheWay.splice(this.#random.below(this.#onTheWay.length), 1) as [
      Carried,
    ];
    const sent = this.sent.get(uplink)!;
    this.fidelities.add(run.fidelity);
    const { count, sum } = tallied(run);
    sent.count += count;
    sent.sum += sum;
    const { outcomes } = this.rig.store.commit(
      [
        {
          kind: 'settle',
          settlement: {
            uplink,
            stream: 's',
            first: run.first,
            count: run.until - run.first,
            outcome: { kind: 'delivered' },
            bytes: 1,
            day: 20_000,
          },
        },
      ],
      this.rig.now,
    );
    expect(outcomes).toEqual([{ ok: true }]);
  }

  /** A process that dies loses what is on its way: it is sent again, and the receiver tells by offsets. Here: as if it had never arrived. */
  die(): void {
    this.#onTheWay = [];
    this.rig.store.close();
    this.rig.reborn().open({
      ...smallSettings,
      whenFull: 'coarsen',
      ladderShare: 1,
      seal: { readings: 60, bytes: 8_192, ageMillis: 50 },
      uplinks,
    });
  }

  get waiting(): boolean {
    return (
      this.#onTheWay.length > 0 ||
      uplinks.some(({ name }) => this.rig.store.backlog(name).some(({ base, head }) => base < head))
    );
  }
}

function tallied(run: StoredRun): Sent {
  const numbers = (name: string): number[] => {
    const column = run.batch.columns.find((one) => one.name === name);
    return column?.kind === 'number' ? Array.from(column.values) : [];
  };
  const total = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0);
  if (run.fidelity === 'raw') return { count: run.batch.length, sum: total(numbers('v')) };
  const { count } = summaryFrame(run.batch);
  return { count: total(Array.from(count)), sum: total(numbers('v_sum')) };
}

test('every uplink sends every reading exactly once, raw or in one summary, however the ladder goes up around what is on its way', () => {
  const seen = new Set<string>();
  let coarsened = 0;
  for (let seed = 1; seed <= 15; seed++) {
    const random = new Prng(seed);
    const site = new Site(random);
    try {
      for (let step = 0; step < 60; step++) {
        const act = random.pick(['append', 'climb', 'climb', 'read', 'read', 'settle', 'settle'] as const);
        site[act]();
        if (random.chance(0.02)) site.die();
      }
      for (let step = 0; site.waiting && step < 5_000; step++) {
        site.read();
        site.settle();
      }
      const ledger = site.rig.store.ledger();
      expect(ledger.balanced).toBe(true);
      for (const { name } of uplinks) {
        expect(site.sent.get(name), `seed ${seed}, ${name}`).toEqual({ count: site.appended, sum: site.sum });
      }
      for (const fidelity of site.fidelities) seen.add(fidelity);
      const own = ledger.streams.find(({ stream }) => stream === 's');
      expect((own?.delivered ?? 0) + (own?.coarsened ?? 0)).toBe(site.appended);
      coarsened += own?.coarsened ?? 0;
    } finally {
      site.rig.dispose();
    }
  }
  expect(coarsened).toBeGreaterThan(0);
  expect(seen.size).toBeGreaterThan(1);
});
