import { Prng } from '#agent/base/prng.ts';
import { DiskError } from '#agent/ports/database.ts';
import type { StoredRun } from '#agent/ports/store.ts';
import type { Ledger } from '#agent/buffer/ledger.ts';
import type { DoubtfulCommit, WriteOutcome } from '#agent/buffer/journal-store.ts';
import type { WriteRequest } from '#agent/buffer/pages-touched.ts';
import { divide, type StoreSettings } from '#agent/buffer/settings.ts';
import { askStore, figure } from '#test/support/ask-store.ts';
import { Crash } from './fault-database.ts';
import { entryOf, readAll, smallSettings, StoreRig } from './store-rig.ts';
import { StoreTwin } from './store-twin.ts';

const streams = ['alpha', 'beta', 'gamma'] as const;
const uplinkSets: readonly StoreSettings['uplinks'][] = [
  [{ name: 'cloud', streams: ['*'] }],
  [
    { name: 'cloud', streams: ['*'] },
    { name: 'hub', streams: ['a*', 'beta'] },
  ],
  [{ name: 'hub', streams: ['*'] }],
  [],
];

/** Age and bytes seal long before a block is full: there is something to join. */
const smallBlocks: StoreSettings['seal'] = { readings: 40, bytes: 2_048, ageMillis: 50 };

/** Enough readings that a summary of them is smaller. */
const worthyBlocks: StoreSettings['seal'] = { readings: 60, bytes: 8_192, ageMillis: 50 };

/**
 * One run of the model: random work against a store on a real file, with a fault at a random statement every now and then, and the twin beside it. Throws
 * with what differs.
 */
export function runModel(seed: number, steps: number): void {
  const model = new Model(seed);
  try {
    for (let step = 0; step < steps; step++) {
      try {
        model.step();
        model.check();
      } catch (error) {
        throw new Error(`seed ${seed}, step ${step} (${model.doing}): ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
    model.doing = 'at the end';
    model.checkAll();
  } finally {
    model.rig.dispose();
  }
}

class Model {
  readonly rig = new StoreRig();
  doing = '';
  #damaged = false;
  readonly #random: Prng;
  /** Appends are large and little is taken away: the cap is reached. */
  readonly #tight: boolean;
  /** Blocks are sealed early, one stream gets most: there are neighbours to join. */
  readonly #joining: boolean;
  /** Everything sealed goes up the ladder at once. */
  readonly #coarsening: boolean;
  #settings: StoreSettings;
  readonly #twin: StoreTwin;
  #nextValue = 0;
  /** Was being committed when the process died: it stands or it does not. */
  #pending: Plan | null = null;

  constructor(seed: number) {
    this.#random = new Prng(seed);
    this.#tight = this.#random.chance(0.3);
    this.#joining = !this.#tight && this.#random.chance(0.5);
    const whenFull = this.#random.pick(['block', 'drop_oldest', 'coarsen', 'coarsen'] as const);
    // Without pressure too, so that the ladder is climbed in every run that has one.
    this.#coarsening = whenFull === 'coarsen' && this.#random.chance(0.7);
    this.#settings = {
      ...smallSettings,
      whenFull,
      ladderShare: this.#coarsening ? 1 : smallSettings.ladderShare,
      seal: {
        ...(this.#coarsening ? worthyBlocks : this.#joining ? smallBlocks : smallSettings.seal),
        // Sealing that takes several turns: whatever happens meanwhile.
        ...(seed % 3 === 0 ? { stepCells: 24 } : {}),
      },
      uplinks: this.#random.pick(uplinkSets),
      streams: [
        { name: 'alpha', priority: 9 },
        { name: 'beta', priority: 2 },
      ],
    };
    this.#twin = new StoreTwin(this.#settings);
    this.rig.store.open(this.#settings);
  }

  step(): void {
    const random = this.#random;
    this.rig.tick(random.below(400));
    if (random.chance(0.3)) {
      this.rig.faults.set({
        kind: random.pick(['crash', 'crash', 'full', 'io'] as const),
        atStatement: random.chance(0.3) ? 'commit' : 1 + random.below(random.pick([6, 30, 120])),
        afterwards: random.chance(0.5),
        lasting: random.pick([1, 1, 2, 5, 20]),
      });
    }
    const action = random.pick(this.#tight ? fillingActions : actions);
    this.doing = action;
    this.#pending = null;
    try {
      this.#act(action);
    } catch (error) {
      if (!(error instanceof Crash || error instanceof DiskError)) throw error;
      this.doing += `, ${error.name} ${error.message}`;
      this.rig.faults.set(null);
      // A question that met a failing disk is asked again; a process that died, or could not start, starts again.
      if (error instanceof DiskError && action !== 'reopen') return;
      this.rig.reborn().open(this.#settings);
      if (action === 'configure') this.#twin.configure(this.#settings);
      this.#adopt();
    } finally {
      this.rig.faults.set(null);
    }
  }

  /** Everything that must hold between two steps. */
  check(): void {
    const { store } = this.rig;
    const ledger = store.ledger();
    if (!ledger.balanced) throw new Error(`unbalanced: ${JSON.stringify(ledger)}`);
    const stats = store.stats();
    if (stats.occupiedBytes > this.#settings.sizeBytes) {
      throw new Error(`${stats.occupiedBytes} bytes on disk, ${stats.walBytes} of them WAL`);
    }
    const share = divide(this.#settings.sizeBytes).walBytes;
    if (stats.walBytes > share) throw new Error(`WAL of ${stats.walBytes} bytes, its share is ${share}`);
    // Reading sets damage aside: what is kept is known afterwards. Whoever met it later would account it in its own way.
    const looked = this.#damaged ? streams : [this.#random.pick(streams)];
    for (const name of looked) this.#read(name);
    this.#damaged = false;
    const keptByStream = this.rig.kept();
    for (const [name, stream] of this.#twin.streams) {
      const kept = keptByStream.get(name) ?? new Set();
      this.#twin.observe(name, kept);
      equal(`${name} kept`, kept.size, stream.kept.size);
      const entry = store.ledger().streams.find((one) => one.stream === name);
      if (entry === undefined) {
        equal(`${name} is known`, stream.received, 0);
        continue;
      }
      equal(`${name} head`, entry.stored, stream.values.length);
      equal(`${name} received`, entry.received, stream.received);
      const coarse = this.rig.coarse().get(name) ?? 0;
      equal(`${name} buffered`, entry.buffered + coarse, stream.kept.size);
      equal(`${name} delivered`, entry.delivered + entry.coarsened - coarse, stream.delivered);
      equal(`${name} dropped`, total(entry.dropped), stream.dropped);
    }
    this.#checkCursors();
    if (this.#random.chance(0.1)) this.#ask();
  }

  /** Every stream as a reader finds it, at the end of a run. */
  checkAll(): void {
    for (const name of streams) this.#read(name);
    this.check();
    this.#ask();
  }

  /** Every reading that got an offset is answered for once: read, summed up, or known to be lost. */
  #ask(): void {
    for (const [name, stream] of this.#twin.streams) {
      if (stream.values.length === 0) continue;
      const answer = askStore(this.rig.store, `count(), sum(v) of ${name}`, { now: this.rig.now });
      const row = answer.rows[0];
      const { lost, unanswered } = answer.coverage;
      equal(`${name} answered`, (row?.readings ?? 0) + lost, stream.values.length);
      equal(`${name} unanswered`, unanswered, 0);
      if (lost === 0) equal(`${name} sum`, figure(row!, 1).value, sum(stream.values));
    }
  }

  /** Walks a stream from its oldest reading on and compares it with the twin and with what the tables keep. */
  #read(name: string): void {
    const values = this.#twin.streams.get(name)?.values ?? [];
    const found = readAll(this.rig.store, name, this.#random.pick([3, 40, 1_000, 1_000, 1_000]), (run) =>
      checkSummaries(run, values),
    );
    for (const [at, value] of found) {
      if (!Number.isNaN(value)) equal(`${name} reading ${at}`, value, values[at]);
    }
    equal(`${name} found`, found.size, this.rig.kept().get(name)?.size ?? 0);
  }

  #checkCursors(): void {
    const ledger = this.rig.store.ledger();
    for (const entry of ledger.cursors) {
      if (entry.stream.startsWith('_')) continue;
      const cursor = this.#twin.streams.get(entry.stream)?.cursors.get(entry.uplink);
      if (cursor === undefined) throw new Error(`cursor of ${entry.uplink} in ${entry.stream} is not known`);
      const counts = this.#twin.counts(cursor);
      for (const account of ['delivered', 'refused', 'dropped'] as const) {
        equal(`${entry.uplink} ${entry.stream} ${account}`, entry[account], counts[account]);
      }
      equal(`${entry.uplink} ${entry.stream} start`, entry.start, cursor.start);
      equal(`${entry.uplink} ${entry.stream} parked`, entry.parked, cursor.parked);
    }
    for (const uplink of this.#settings.uplinks) {
      for (const backlog of this.rig.store.backlog(uplink.name)) {
        const cursor = this.#twin.streams.get(backlog.stream)?.cursors.get(uplink.name);
        if (cursor === undefined) continue;
        for (let at = cursor.start; at < backlog.head; at++) {
          const settled =
            at < backlog.base || backlog.settled.some(([first, end]) => at >= first && at < end);
          equal(`${uplink.name} ${backlog.stream} ${at} settled`, settled, cursor.fates.has(at));
        }
      }
    }
  }

  #act(action: Action): void {
    const { store } = this.rig;
    if (action === 'commit') {
      for (let i = this.#joining ? 4 : 1; i > 0; i--) this.#commit();
      return;
    }
    if (action === 'maintain') {
      const times = this.#random.below(this.#coarsening ? 12 : 4);
      for (let i = times; i >= 0; i--) store.maintain(this.rig.now);
      return;
    }
    if (action === 'reopen') {
      // The mirror in memory must be what loading it anew gives; what the ladder passed over is told since the start only.
      const mirror = (): string =>
        JSON.stringify(this.rig.store.stats().streams.map((one) => ({ ...one, passedOver: [] })));
      const before = this.rig.faults.mayStrike ? null : mirror();
      store.close();
      this.rig.raw = null;
      this.rig.boot = `boot-${this.#random.below(3)}`;
      this.rig.reborn().open(this.#settings);
      if (before !== null) equal('mirror', before, mirror());
      return;
    }
    if (action === 'read') {
      this.#weather(() => readAll(store, this.#random.pick(streams)));
      return;
    }
    if (action === 'purge') {
      const until = this.#random.below(this.#nextValue + 1);
      this.#weather(() => store.purge({ stream: this.#random.pick(streams), until }));
      return;
    }
    if (action === 'damage') return this.#damage();
    this.#settings = { ...this.#settings, uplinks: this.#random.pick(uplinkSets) };
    this.#weather(() => store.configure(this.#settings));
    // A config that met a failing disk is given again: the supervisor's business.
    this.rig.faults.set(null);
    store.configure(this.#settings);
    this.#twin.configure(this.#settings);
  }

  #commit(): void {
    // Settlements go first: what an append drops to make room is not there to be settled any more.
    const settlements = [this.#planSettle()].filter((plan) => plan !== null && this.#random.chance(0.5));
    const appends = Array.from({ length: this.#random.below(this.#tight ? 5 : 3) }, () => this.#planAppend());
    const plans = [...settlements, ...appends].filter((plan) => plan !== null);
    if (this.rig.faults.mayCrash) plans.splice(1);
    let weight = 0;
    const fit = plans.findIndex(({ request }) => {
      weight += this.rig.store.weightOf(request);
      return weight > this.rig.store.appendBytesMax;
    });
    if (fit >= 0) plans.splice(fit);
    this.#pending = plans[0] ?? null;
    const { store } = this.rig;
    const { outcomes, doubtful } = store.commit(
      plans.map((plan) => plan.request),
      this.rig.now,
    );
    // As the disk thread does after each group.
    if (this.#joining || this.#coarsening) {
      this.rig.tick(100);
      store.maintain(this.rig.now);
    }
    for (const [i, outcome] of (this.#standing(doubtful) ?? outcomes).entries()) {
      if (outcome.ok) plans[i]!.apply();
      else if (outcome.trouble === 'misuse') throw new Error(outcome.message);
    }
  }

  /** What holds of a commit in doubt once the device works again; null when it is lost, or was never in doubt. */
  #standing(doubtful: DoubtfulCommit | null): readonly WriteOutcome[] | null {
    if (doubtful === null) return null;
    this.doing += ', in doubt';
    this.rig.faults.set(null);
    const verdict = this.rig.store.verdict(doubtful.doubt);
    if (verdict === 'open') throw new Error('a device that works leaves no doubt');
    return verdict === 'stands' ? doubtful.outcomes : null;
  }

  #adopt(): void {
    if (this.#pending?.stands(this.rig.store.ledger()) === true) this.#pending.apply();
  }

  /** A disk that fails is not a defect; a store that is wrong afterwards is. */
  #weather(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }

  #planAppend(): Plan {
    const random = this.#random;
    const name = this.#joining && random.chance(0.8) ? streams[0] : random.pick(streams);
    const big = !this.#joining && random.chance(this.#tight ? 0.9 : 0.25);
    const small = this.#coarsening ? 10 + random.below(60) : random.below(this.#joining ? 12 : 30);
    const count = big ? 1 + random.below(2) : small;
    const values = Array.from({ length: count }, () => this.#nextValue++);
    const filtered = random.chance(0.3) ? random.below(5) : 0;
    const options = { filtered, clock: random.pick(['device', 'agent'] as const) };
    const entry = entryOf(
      name,
      values,
      big || this.#coarsening
        ? { ...options, textBytes: !big ? 100 : this.#tight ? 24_000 : 4_000 }
        : options,
    );
    return {
      request: { kind: 'append', entries: [entry] },
      apply: () => this.#twin.append(name, values, filtered),
      stands: (ledger) => {
        const entry = ledger.streams.find((one) => one.stream === name);
        // An empty append makes its stream known, no more.
        return entry !== undefined && entry.received > (this.#twin.streams.get(name)?.received ?? -1);
      },
    };
  }

  #planSettle(): Plan | null {
    const random = this.#random;
    const uplink = this.#settings.uplinks[0];
    if (uplink === undefined) return null;
    const waiting = this.rig.store
      .backlog(uplink.name)
      .filter((one) => one.head > 0 && !one.stream.startsWith('_'));
    if (waiting.length === 0) return null;
    const backlog = random.pick(waiting);
    const oldest = random.chance(0.6) ? backlog.base : random.below(backlog.head);
    const first = Math.min(oldest, backlog.head - 1);
    const count = 1 + random.below(Math.min(60, backlog.head - first));
    const refused = random.chance(0.2);
    return {
      request: {
        kind: 'settle',
        settlement: {
          uplink: uplink.name,
          stream: backlog.stream,
          first,
          count,
          outcome: refused ? { kind: 'refused', words: 'no such sensor' } : { kind: 'delivered' },
          bytes: count * 10,
          day: 20_000,
        },
      },
      apply: () => {
        this.#twin.settle(backlog.stream, uplink.name, {
          first,
          count,
          fate: refused ? 'refused' : 'delivered',
        });
      },
      stands: (ledger) => {
        const entry = ledger.cursors.find(
          (one) => one.uplink === uplink.name && one.stream === backlog.stream,
        );
        const cursor = this.#twin.stream(backlog.stream).cursors.get(uplink.name)!;
        const counts = this.#twin.counts(cursor);
        return (entry?.delivered ?? 0) + (entry?.refused ?? 0) > counts.delivered + counts.refused;
      },
    };
  }

  #damage(): void {
    const raw = this.rig.raw;
    if (raw === null) return;
    const table = this.#random.pick(['payloads', 'journal'] as const);
    const [key, column] = table === 'payloads' ? ['id', 'bytes'] : ['seq', 'row'];
    const row = raw
      .prepare<{ key: number; bytes: Uint8Array }>(
        `SELECT ${key} AS key, ${column} AS bytes FROM ${table} ORDER BY ${key} LIMIT 1`,
      )
      .get();
    if (row === undefined) return;
    const bytes = Uint8Array.from(row.bytes);
    const at = this.#random.below(bytes.length);
    bytes[at] = bytes[at]! ^ (1 << this.#random.below(8));
    this.#damaged = true;
    raw.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${key} = ?`).run(bytes, row.key);
    this.#weather(() => this.rig.store.fsck({ repair: this.#random.chance(0.5) }));
  }
}

interface Plan {
  readonly request: WriteRequest;
  /** Does it to the twin. */
  apply(): void;
  /** Whether the store did it, as its accounts tell. */
  stands(ledger: Ledger): boolean;
}

function equal(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what}: ${String(found)}, expected ${String(expected)}`);
}

/** Each summary against the readings it stands for: those of one machine, from its offset to the end of its span. */
function checkSummaries({ stream, batch }: StoredRun, values: readonly number[]): void {
  const of = (name: string, row: number): number => {
    const column = batch.columns.find((one) => one.name === name);
    return column === undefined ? 0 : Number(column.values[row]);
  };
  for (let row = 0; row < batch.length; row++) {
    const machine = batch.series[batch.seriesIndex[row]!]!['machine'];
    const [offset, until] = [of('offset', row), of('until', row)];
    const own = values.slice(offset, until).filter((value) => (value % 2 === 0 ? 'a' : 'b') === machine);
    const what = `${stream} summary ${offset}-${until}`;
    equal(`${what} count`, of('count', row), own.length);
    equal(`${what} v_count`, of('v_count', row), own.length);
    equal(
      `${what} v_sum`,
      of('v_sum', row),
      own.reduce((sum, value) => sum + value, 0),
    );
    equal(`${what} v_min`, of('v_min', row), Math.min(...own));
    equal(`${what} v_max`, of('v_max', row), Math.max(...own));
  }
}

function total(rules: readonly { count: number }[]): number {
  return rules.reduce((sum, rule) => sum + rule.count, 0);
}

/** Work that fills the cap. */
const fillingActions = [
  'commit',
  'commit',
  'commit',
  'commit',
  'commit',
  'maintain',
  'reopen',
  'configure',
] as const;

const actions = [
  'commit',
  'commit',
  'commit',
  'commit',
  'commit',
  'maintain',
  'maintain',
  'reopen',
  'read',
  'purge',
  'damage',
  'configure',
] as const;
type Action = (typeof actions)[number];

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
