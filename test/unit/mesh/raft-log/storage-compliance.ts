import { describe, expect, test } from 'vitest';
import type { Entry } from '#agent/mesh/raft/entry.ts';
import { emptyRecord } from '#agent/mesh/raft/membership/membership.ts';
import { peerId } from '#agent/mesh/raft/peer-id.ts';
import type { Snapshot } from '#agent/mesh/raft/snapshot.ts';
import type { HardState } from '#agent/mesh/raft/state.ts';
import type { AppendOrder, LogOrder, LogReport, RaftLogStorage } from '#agent/mesh/raft-log/port.ts';

/** One machine with a log on its disk: what a compliance suite needs of an implementation. */
export interface StorageRig {
  /** The next process on the machine; the one before is killed, or stopped by the test. */
  boot(): RaftLogStorage;
  kill(): Promise<void> | void;
  /** Lets the storage work until `reached`, or fails. */
  until(reached: () => boolean): Promise<void>;
  /** From now on the device is full, fails, or works again. */
  setDisk(trouble: 'full' | 'io' | null): void;
  /** Turns a bit of an entry's row over, while no process runs. */
  damageEntry(index: number): void;
  /** The same to the record of term, vote and commit; and to its second copy. */
  damageHead(): void;
  damageBallot(): void;
  dispose(): Promise<void> | void;
}

export const entry = (index: number, term: number, text = `${index}/${term}`): Entry => ({
  index,
  term,
  kind: 'normal',
  data: new TextEncoder().encode(text),
});

export const run = (from: number, to: number, term: number): Entry[] =>
  Array.from({ length: to - from + 1 }, (_, at) => entry(from + at, term));

export const state = (term: number, vote: number, commit: number): HardState => ({
  term,
  vote: peerId(vote),
  commit,
});

export const snapshotAt = (index: number, term: number, data = `state ${index}`): Snapshot => ({
  id: { index, term },
  membership: { ...emptyRecord, voters: [peerId(1), peerId(2), peerId(3)] },
  data: new TextEncoder().encode(data),
});

/** One process over the rig, driven by plain calls. */
export class Process {
  readonly storage: RaftLogStorage;
  readonly reports: LogReport[] = [];
  readonly #rig: StorageRig;
  #nextId = 1;

  private constructor(rig: StorageRig) {
    this.#rig = rig;
    this.storage = rig.boot();
    this.storage.start((report) => void this.reports.push(report));
  }

  static async boot(rig: StorageRig): Promise<Process> {
    const process = new Process(rig);
    await rig.until(() => process.reports.length > 0);
    return process;
  }

  get last(): LogReport {
    return this.reports.at(-1)!;
  }

  /** Submits, and waits for whatever comes of it. */
  async order(order: DistributedOmit<LogOrder, 'id'>): Promise<LogReport> {
    const before = this.reports.length;
    this.storage.submit({ ...order, id: this.#nextId++ });
    await this.#rig.until(() => this.reports.length > before);
    return this.last;
  }

  append(write: Partial<AppendOrder>): Promise<LogReport> {
    return this.order({ kind: 'append', hardState: null, entries: [], snapshot: null, ...write });
  }

  async until(kind: LogReport['kind']): Promise<LogReport> {
    await this.#rig.until(() => this.last.kind === kind);
    return this.last;
  }

  /** The whole log as the member sees it. */
  get log(): readonly Entry[] {
    const { reader } = this.storage;
    return reader.entries(reader.firstIndex(), reader.lastIndex() + 1, Infinity) ?? [];
  }
}

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** What every implementation of `RaftLogStorage` does. */
export function describeRaftLogStorage(
  name: string,
  makeRig: () => StorageRig,
  options: { readonly canFail: boolean } = { canFail: true },
): void {
  describe(`${name} keeps the promises of a Raft log`, () => {
    const testFailing = options.canFail ? test : test.skip;
    const why = options.canFail ? '' : ' (skipped: this device can not be made to fail)';
    const on =
      (body: (rig: StorageRig) => Promise<void>): (() => Promise<void>) =>
      async () => {
        const rig = makeRig();
        try {
          await body(rig);
        } finally {
          await rig.dispose();
        }
      };

    test(
      'a log that was never written opens empty, and may vote',
      on(async (rig) => {
        const process = await Process.boot(rig);
        expect(process.last).toEqual({ kind: 'ready', doubt: 0 });
        const { reader, mayVote, size } = process.storage;
        expect(reader.initialState()).toEqual({ hardState: state(0, 0, 0), membership: emptyRecord });
        expect([reader.firstIndex(), reader.lastIndex(), mayVote]).toEqual([1, 0, true]);
        expect(size).toEqual({ entries: 0, bytes: 0 });
      }),
    );

    test(
      'what is answered done is there after a kill: term, vote, commit and entries',
      on(async (rig) => {
        const first = await Process.boot(rig);
        const change: Entry = { ...entry(3, 2), kind: 'change' };
        await first.append({ hardState: state(2, 3, 1), entries: [...run(1, 2, 1), change] });
        await first.append({ hardState: state(2, 3, 3) });
        await rig.kill();
        const second = await Process.boot(rig);
        expect(second.storage.reader.initialState().hardState).toEqual(state(2, 3, 3));
        expect(second.log).toEqual([...run(1, 2, 1), change]);
      }),
    );

    test(
      'the reader shows an entry only when it is answered',
      on(async (rig) => {
        const process = await Process.boot(rig);
        const answered = process.append({ hardState: state(1, 1, 0), entries: run(1, 3, 1) });
        expect(process.storage.reader.lastIndex()).toBe(0);
        expect(process.storage.waiting).toBe(1);
        expect(await answered).toEqual({ kind: 'done', id: 1 });
        expect(process.storage.reader.lastIndex()).toBe(3);
        expect(process.storage.waiting).toBe(0);
      }),
    );

    test(
      'entries of a newer leader replace what stood from their first index on',
      on(async (rig) => {
        const first = await Process.boot(rig);
        await first.append({ hardState: state(1, 0, 2), entries: run(1, 6, 1) });
        await first.append({ hardState: state(2, 0, 2), entries: run(4, 5, 2) });
        const expected = [...run(1, 3, 1), ...run(4, 5, 2)];
        expect(first.log).toEqual(expected);
        await rig.kill();
        const second = await Process.boot(rig);
        expect(second.log).toEqual(expected);
        expect(second.storage.size.entries).toBe(5);
        expect(second.storage.size).toEqual(first.storage.size);
      }),
    );

    test(
      'a read is bounded by bytes, and gives one entry at least',
      on(async (rig) => {
        const process = await Process.boot(rig);
        await process.append({ hardState: state(1, 0, 0), entries: run(1, 9, 1) });
        expect(process.storage.reader.entries(2, 10, 1)).toEqual(run(2, 2, 1));
        expect(process.storage.reader.entries(2, 10, 25)?.length).toBe(2);
      }),
    );

    test(
      'a snapshot of the own state is kept, and compaction drops what it covers and no more',
      on(async (rig) => {
        const first = await Process.boot(rig);
        await first.append({ hardState: state(1, 0, 2), entries: run(1, 10, 1) });
        await first.order({ kind: 'keep-snapshot', snapshot: snapshotAt(7, 1) });
        await first.order({ kind: 'compact', upTo: 5 });
        await rig.kill();
        const { storage, log } = await Process.boot(rig);
        expect(log).toEqual(run(6, 10, 1));
        expect(storage.reader.snapshot()).toEqual(snapshotAt(7, 1));
        expect([storage.reader.term(5), storage.reader.term(4)]).toEqual([1, undefined]);
        const { hardState, membership } = storage.reader.initialState();
        expect([hardState.commit, membership]).toEqual([7, snapshotAt(7, 1).membership]);
      }),
    );

    test(
      'a large compaction is done in steps, and is one order all the same',
      on(async (rig) => {
        const first = await Process.boot(rig);
        await first.append({ hardState: state(1, 0, 3_000), entries: run(1, 3_000, 1) });
        await first.order({ kind: 'keep-snapshot', snapshot: snapshotAt(2_999, 1) });
        expect(await first.order({ kind: 'compact', upTo: 2_999 })).toEqual({ kind: 'done', id: 3 });
        expect(first.storage.size.entries).toBe(1);
        await rig.kill();
        const second = await Process.boot(rig);
        expect(second.log).toEqual(run(3_000, 3_000, 1));
        expect(second.storage.size).toEqual(first.storage.size);
      }),
    );

    test(
      "a leader's snapshot replaces the log, and entries go on after it",
      on(async (rig) => {
        const first = await Process.boot(rig);
        await first.append({ hardState: state(1, 0, 2), entries: run(1, 4, 1) });
        await first.append({ hardState: state(3, 0, 20), snapshot: snapshotAt(20, 2) });
        await first.append({ entries: run(21, 22, 3) });
        const { size } = first.storage;
        await rig.kill();
        const { storage, log } = await Process.boot(rig);
        expect(storage.size).toEqual(size);
        expect(log).toEqual(run(21, 22, 3));
        expect(storage.reader.snapshot()).toEqual(snapshotAt(20, 2));
        expect(storage.reader.initialState().hardState).toEqual(state(3, 0, 20));
      }),
    );

    testFailing(
      `a disk that fails ends the life, and the log comes back by itself with all that was answered${why}`,
      on(async (rig) => {
        const process = await Process.boot(rig);
        await process.append({ hardState: state(1, 2, 1), entries: run(1, 2, 1) });
        rig.setDisk('io');
        expect(await process.append({ entries: run(3, 4, 1) })).toMatchObject({
          kind: 'lost',
          trouble: 'io',
        });
        rig.setDisk(null);
        expect(await process.until('ready')).toEqual({ kind: 'ready', doubt: 0 });
        // Whether the write that failed stands is unknown; what came before it is there.
        expect(process.log.slice(0, 2)).toEqual(run(1, 2, 1));
        expect([2, 4]).toContain(process.storage.reader.lastIndex());
        const next = process.storage.reader.lastIndex() + 1;
        expect(await process.append({ entries: run(next, next, 1) })).toMatchObject({ kind: 'done' });
      }),
    );

    testFailing(
      `a full disk ends the life, takes nothing, and the log comes back when there is room${why}`,
      on(async (rig) => {
        const process = await Process.boot(rig);
        await process.append({ hardState: state(1, 2, 1), entries: run(1, 2, 1) });
        rig.setDisk('full');
        expect(await process.append({ entries: run(3, 4, 1) })).toMatchObject({
          kind: 'lost',
          trouble: 'full',
        });
        rig.setDisk(null);
        await process.until('ready');
        expect(process.log).toEqual(run(1, 2, 1));
        expect(await process.append({ entries: run(3, 3, 1) })).toMatchObject({ kind: 'done' });
      }),
    );

    test(
      'an end that is damaged is cut off; the member does not vote until a leader has brought it back',
      on(async (rig) => {
        const first = await Process.boot(rig);
        await first.append({ hardState: state(2, 0, 3), entries: run(1, 6, 2) });
        await rig.kill();
        rig.damageEntry(5);
        const second = await Process.boot(rig);
        expect(second.last).toEqual({ kind: 'ready', doubt: 6 });
        expect(second.log).toEqual(run(1, 4, 2));
        await second.append({ entries: run(5, 5, 2) });
        expect(second.storage.mayVote).toBe(false);
        await rig.kill();
        const third = await Process.boot(rig);
        expect(third.last).toEqual({ kind: 'ready', doubt: 6 });
        await third.append({ hardState: state(3, 0, 3), entries: run(6, 6, 3) });
        expect(third.storage.mayVote).toBe(true);
        await rig.kill();
        expect((await Process.boot(rig)).last).toEqual({ kind: 'ready', doubt: 0 });
      }),
    );

    test(
      'a snapshot that reaches what may have been acknowledged ends the doubt too, in a new life',
      on(async (rig) => {
        const first = await Process.boot(rig);
        await first.append({ hardState: state(2, 3, 3), entries: run(1, 6, 2) });
        expect(await first.order({ kind: 'heal', snapshot: snapshotAt(9, 2) })).toMatchObject({
          kind: 'refused',
        });
        await rig.kill();
        rig.damageEntry(5);
        const second = await Process.boot(rig);
        expect(await second.order({ kind: 'heal', snapshot: snapshotAt(3, 2) })).toMatchObject({
          kind: 'refused',
          reason: expect.stringContaining('reaches 4'),
        });
        expect(await second.order({ kind: 'heal', snapshot: snapshotAt(5, 2) })).toEqual({
          kind: 'ready',
          doubt: 6,
        });
        expect(second.storage.mayVote).toBe(false);
        expect(await second.order({ kind: 'heal', snapshot: snapshotAt(6, 2) })).toEqual({
          kind: 'ready',
          doubt: 0,
        });
        expect(second.storage.reader.initialState().hardState).toEqual(state(2, 3, 6));
        expect(second.storage.reader.snapshot()).toEqual(snapshotAt(6, 2));
        expect([second.storage.mayVote, second.storage.waiting]).toEqual([true, 0]);
      }),
    );

    test(
      'an operator may accept what was cut off as lost',
      on(async (rig) => {
        const first = await Process.boot(rig);
        await first.append({ hardState: state(2, 0, 3), entries: run(1, 6, 2) });
        await rig.kill();
        rig.damageEntry(6);
        const second = await Process.boot(rig);
        expect(second.storage.mayVote).toBe(false);
        await second.order({ kind: 'accept-loss' });
        expect(second.storage.mayVote).toBe(true);
        await rig.kill();
        expect((await Process.boot(rig)).last).toEqual({ kind: 'ready', doubt: 0 });
      }),
    );

    test(
      'damage to what is committed stops the member, and a snapshot heals it; one of less than it acknowledged leaves a doubt',
      on(async (rig) => {
        const first = await Process.boot(rig);
        await first.append({ hardState: state(2, 3, 4), entries: run(1, 6, 2) });
        await rig.kill();
        rig.damageEntry(2);
        const second = await Process.boot(rig);
        const ballot = { term: 2, vote: peerId(3) };
        expect(second.last).toMatchObject({ kind: 'damaged', damage: { needIndex: 6, ballot } });
        await second.order({ kind: 'heal', snapshot: snapshotAt(5, 2) });
        expect(second.last).toEqual({ kind: 'ready', doubt: 6 });
        expect(second.storage.mayVote).toBe(false);
        await second.order({ kind: 'heal', snapshot: snapshotAt(9, 2) });
        expect(second.last).toEqual({ kind: 'ready', doubt: 0 });
        await second.append({ entries: run(10, 11, 2) });
        await rig.kill();
        const { storage, log } = await Process.boot(rig);
        expect(log).toEqual(run(10, 11, 2));
        expect(storage.reader.initialState().hardState).toEqual(state(2, 3, 9));
      }),
    );

    test(
      'a damaged second copy of the vote is written anew',
      on(async (rig) => {
        const first = await Process.boot(rig);
        await first.append({ hardState: state(2, 0, 0), entries: run(1, 1, 2) });
        await first.append({ hardState: state(2, 3, 0) });
        await rig.kill();
        rig.damageBallot();
        const second = await Process.boot(rig);
        expect(second.last.kind).toBe('ready');
        expect(second.storage.reader.initialState().hardState).toEqual(state(2, 3, 0));
      }),
    );

    test(
      'with its head damaged nothing heals the member, as nobody knows how far it had promised',
      on(async (rig) => {
        const first = await Process.boot(rig);
        await first.append({ hardState: state(2, 3, 0), entries: run(1, 1, 2) });
        await rig.kill();
        rig.damageHead();
        const second = await Process.boot(rig);
        expect(second.last).toMatchObject({ kind: 'damaged', damage: { ballot: null } });
        const refused = await second.order({ kind: 'heal', snapshot: snapshotAt(9, 9) });
        expect(refused).toMatchObject({ kind: 'refused', reason: expect.stringContaining('new id') });
      }),
    );

    test(
      'stop carries out what was submitted before it, and is safe to call twice',
      on(async (rig) => {
        const first = await Process.boot(rig);
        void first.append({ hardState: state(1, 1, 0), entries: run(1, 3, 1) });
        const stopped = [first.storage.stop(), first.storage.stop()];
        let isStopped = false;
        void Promise.all(stopped).then(() => (isStopped = true));
        await rig.until(() => isStopped);
        expect(first.last).toEqual({ kind: 'done', id: 1 });
        expect((await Process.boot(rig)).log).toEqual(run(1, 3, 1));
      }),
    );
  });
}
