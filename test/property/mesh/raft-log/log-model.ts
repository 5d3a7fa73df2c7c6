import { Prng } from '#agent/base/prng.ts';
import type { Entry, EntryKind } from '#agent/mesh/raft/entry.ts';
import { peerId } from '#agent/mesh/raft/peer-id.ts';
import type { HardState } from '#agent/mesh/raft/state.ts';
import type { LogDamage, LogOrder, LogReport, RaftLogStorage } from '#agent/mesh/raft-log/port.ts';
import { snapshotAt } from '#test/unit/mesh/raft-log/storage-compliance.ts';
import { applied, difference, emptyTwin, entryAt, lastIndex, type TwinState } from './log-twin.ts';

/** A machine with one log: what the model needs of an implementation. All of it synchronous. */
export interface Machine {
  boot(): RaftLogStorage;
  /** Lets some time pass and some work be done. False when the process died of it. */
  work(): boolean;
  /** The process dies, perhaps within a write. */
  crash(): void;
  /** From now on; null: it works. */
  setDisk(trouble: 'full' | 'io' | null): void;
  /** Lets the process die at a statement soon to come. */
  dieWithin(statements: number): void;
  /** Spoils the row of an entry, between two processes. */
  spoil(index: number): void;
  dispose(): void;
}

/** What a run met: a test that met nothing shows nothing. */
export interface Met {
  crashes: number;
  /** Crashes after which a write stood whose answer was lost. */
  stood: number;
  lost: number;
  truncated: number;
  damaged: number;
  replaced: number;
  compacted: number;
  restored: number;
}

export const metNothing = (): Met => ({
  crashes: 0,
  stood: 0,
  lost: 0,
  truncated: 0,
  damaged: 0,
  replaced: 0,
  compacted: 0,
  restored: 0,
});

const kinds: readonly EntryKind[] = ['normal', 'change', 'change-single', 'refused-change'];

/**
 * Random work as a Raft member orders it, with crashes, failing disks and spoiled rows, against a twin in memory. After every step the
 * reader shows what was answered and nothing else; after every opening the log is what was answered, plus orders that were under
 * way, a beginning of them in their order.
 */
export class LogModel {
  readonly #machine: Machine;
  readonly #chance: Prng;
  readonly #met: Met;
  #storage!: RaftLogStorage;
  #reports: LogReport[] = [];
  #alive = false;
  /** What was answered. */
  #durable: TwinState = emptyTwin;
  /** What is ordered beyond, and what it would lead to. */
  #pending: { readonly order: LogOrder; readonly after: TwinState }[] = [];
  #compactedLow = 0;
  #compactedHigh = 0;
  #doubt = 0;
  #nextId = 1;
  /** A row that was spoiled since the last process. */
  #spoiled: number | null = null;

  constructor(seed: number, machine: Machine, met: Met) {
    this.#machine = machine;
    this.#chance = new Prng(seed);
    this.#met = met;
  }

  run(steps: number): void {
    this.#boot();
    for (let step = 0; step < steps; step++) {
      this.#step();
      this.#checkReader();
    }
    this.#machine.setDisk(null);
    this.#restart();
    this.#checkReader();
  }

  get #planned(): TwinState {
    return this.#pending.at(-1)?.after ?? this.#durable;
  }

  #step(): void {
    const chance = this.#chance;
    const draw = chance.below(100);
    if (draw < 55) for (let n = 1 + chance.below(4); n > 0 && this.#alive; n--) this.#order(this.#draw());
    else if (draw < 85) this.#work();
    else if (draw < 90) this.#restart();
    else if (draw < 94) this.#machine.dieWithin(1 + chance.below(30));
    else if (draw < 97) this.#machine.setDisk(chance.pick(['full', 'io', null] as const));
    else this.#machine.setDisk(null);
  }

  #order(order: LogOrder): void {
    if (order.kind === 'compact') this.#compactedHigh = Math.max(this.#compactedHigh, order.upTo);
    this.#pending.push({ order, after: applied(this.#planned, order) });
    this.#storage.submit(order);
  }

  #draw(): LogOrder {
    const chance = this.#chance;
    const id = this.#nextId++;
    const state = this.#planned;
    const { term, commit } = state.hardState;
    const draw = chance.below(20);
    if (draw < 9) return this.#append(id, lastIndex(state) + 1, term);
    if (draw < 12)
      return this.#append(id, commit + 1 + chance.below(lastIndex(state) - commit + 1), term + 1);
    if (draw < 16) return this.#write(id, this.#nextHardState(state));
    const committed = entryAt(state, commit);
    if (draw < 18 && committed !== undefined)
      return { kind: 'keep-snapshot', id, snapshot: snapshotAt(commit, committed.term) };
    if (draw < 19 && state.snapshot !== null) {
      const { index } = state.snapshot.id;
      return { kind: 'compact', id, upTo: index - chance.below(3) };
    }
    return this.#restoreOrder(id, state);
  }

  /** As an append that a leader sent: with the term it needs, and now and then with a commit. */
  #append(id: number, from: number, term: number): LogOrder {
    const chance = this.#chance;
    const ownTerm = Math.max(1, term);
    if (from <= lastIndex(this.#planned)) this.#met.replaced++;
    const entries: Entry[] = Array.from({ length: 1 + chance.below(5) }, (_, at) => ({
      index: from + at,
      term: ownTerm,
      kind: chance.pick(kinds),
      data: Uint8Array.from({ length: chance.below(12) }, () => chance.below(256)),
    }));
    const before = this.#planned.hardState;
    const commit = chance.chance(0.3) ? Math.max(before.commit, from - 1) : before.commit;
    const vote = ownTerm > before.term ? peerId(chance.below(4)) : before.vote;
    const hardState = { term: ownTerm, vote, commit };
    return { kind: 'append', id, hardState, entries, snapshot: null };
  }

  #write(id: number, hardState: HardState): LogOrder {
    return { kind: 'append', id, hardState, entries: [], snapshot: null };
  }

  #nextHardState(state: TwinState): HardState {
    const chance = this.#chance;
    const { term, vote, commit } = state.hardState;
    const raised = commit + chance.below(lastIndex(state) - commit + 1);
    if (chance.chance(0.4)) return { term: term + 1, vote: peerId(chance.below(4)), commit };
    return { term, vote: vote === 0 && term > 0 ? peerId(chance.below(4)) : vote, commit: raised };
  }

  #restoreOrder(id: number, state: TwinState): LogOrder {
    const index = Math.max(lastIndex(state), state.hardState.commit) + 1 + this.#chance.below(4);
    const term = Math.max(1, state.hardState.term);
    const hardState = { ...state.hardState, term, commit: index };
    if (term > state.hardState.term) hardState.vote = peerId(0);
    this.#met.restored++;
    return { kind: 'append', id, hardState, entries: [], snapshot: snapshotAt(index, term) };
  }

  #work(): void {
    if (!this.#machine.work()) return this.#died();
    this.#takeReports();
  }

  #takeReports(): void {
    for (const report of this.#reports.splice(0)) {
      if (report.kind === 'done') this.#done(report.id);
      else if (report.kind === 'lost') {
        this.#met.lost++;
        this.#alive = false;
      } else if (report.kind === 'ready') this.#ready(report.doubt);
      else if (report.kind === 'damaged') return this.#damaged(report.damage);
      else throw new Error(`unexpected ${report.kind}: ${JSON.stringify(report)}`);
    }
  }

  #done(id: number): void {
    const at = this.#pending.findIndex(({ order }) => order.id === id);
    const { order, after } = this.#pending[at]!;
    if (order.kind === 'compact') {
      this.#compactedLow = Math.max(this.#compactedLow, order.upTo);
      this.#met.compacted++;
      this.#pending.splice(at, 1);
      return;
    }
    // Only compactions are overtaken.
    if (this.#pending.slice(0, at).some((before) => before.order.kind !== 'compact'))
      throw new Error(`order ${id} overtook another`);
    this.#durable = after;
    this.#pending.splice(at, 1);
    if (this.#doubt <= lastIndex(after)) this.#doubt = 0;
  }

  #restart(): void {
    this.#machine.crash();
    this.#died();
  }

  /** Between two processes: what the machine holds may be spoiled. */
  #died(): void {
    this.#met.crashes++;
    this.#alive = false;
    this.#reports = [];
    const { base } = this.#durable;
    // With orders under way it is unknown what the end of the log is: only a quiet log is spoiled.
    const begin = Math.max(base.index, this.#compactedHigh);
    if (this.#pending.length === 0 && lastIndex(this.#durable) > begin && this.#chance.chance(0.3)) {
      this.#spoiled = begin + 1 + this.#chance.below(lastIndex(this.#durable) - begin);
      this.#machine.spoil(this.#spoiled);
    }
    this.#boot();
  }

  #boot(): void {
    this.#machine.setDisk(null);
    this.#storage = this.#machine.boot();
    this.#storage.start((report) => void this.#reports.push(report));
    for (let tries = 0; tries < 100 && !this.#alive; tries++) this.#work();
    if (!this.#alive) throw new Error('the log does not open');
  }

  /** The log is that of the answered orders and of a beginning of those under way. */
  #ready(doubt: number): void {
    this.#alive = true;
    const writes = this.#pending.filter(({ order }) => order.kind !== 'compact');
    const states = [this.#durable, ...writes.map(({ after }) => after)];
    const { reader } = this.#storage;
    const compacted = { low: this.#compactedLow, high: this.#compactedHigh };
    if (this.#spoiled === null) {
      const differences = states.map((state) => difference(reader, state, compacted));
      const found = differences.lastIndexOf(null);
      if (found < 0) throw new Error(`after opening: ${differences.join('; or ')}`);
      if (found > 0) this.#met.stood++;
      this.#durable = states[found]!;
      if (this.#doubt <= lastIndex(this.#durable)) this.#doubt = 0;
    } else this.#truncated(this.#spoiled);
    if (doubt !== this.#doubt) throw new Error(`doubt up to ${doubt}, not ${this.#doubt}`);
    this.#pending = [];
    this.#spoiled = null;
    this.#compactedLow = reader.firstIndex() - 1;
    this.#compactedHigh = this.#compactedLow;
  }

  #truncated(spoiled: number): void {
    const state = this.#durable;
    if (spoiled <= state.hardState.commit)
      throw new Error(`committed entry ${spoiled} is spoiled, and taken`);
    this.#met.truncated++;
    this.#doubt = Math.max(this.#doubt, lastIndex(state));
    this.#durable = { ...state, entries: state.entries.filter(({ index }) => index < spoiled) };
    const differs = difference(this.#storage.reader, this.#durable, {
      low: this.#compactedLow,
      high: this.#compactedHigh,
    });
    if (differs !== null) throw new Error(`after a spoiled end: ${differs}`);
  }

  #damaged({ needIndex, reason }: LogDamage): void {
    const state = this.#durable;
    const spoiled = this.#spoiled;
    if (spoiled === null || spoiled > state.hardState.commit)
      throw new Error(`found damaged (${reason}), ${spoiled} was spoiled`);
    if (needIndex !== lastIndex(state)) throw new Error(`needs ${needIndex}, not ${lastIndex(state)}`);
    this.#met.damaged++;
    this.#spoiled = null;
    const { term, vote } = state.hardState;
    const snapshot = snapshotAt(needIndex + 2, Math.max(1, term));
    const hardState = { term, vote, commit: snapshot.id.index };
    this.#durable = { hardState, snapshot, base: snapshot.id, entries: [] };
    this.#doubt = 0;
    this.#storage.submit({ kind: 'heal', id: this.#nextId++, snapshot });
  }

  #checkReader(): void {
    if (!this.#alive) return;
    const compacted = { low: this.#compactedLow, high: this.#compactedHigh };
    const differs = difference(this.#storage.reader, this.#durable, compacted);
    if (differs !== null) throw new Error(`the reader: ${differs}`);
    if (this.#storage.mayVote !== (this.#doubt === 0))
      throw new Error(`may vote, with doubt to ${this.#doubt}`);
  }
}
