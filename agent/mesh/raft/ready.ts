import { assert } from '../../base/assert.ts';
import type { RaftCore } from './core.ts';
import type { Entry } from './entry.ts';
import type {
  PeerMessage,
  Response,
  StorageAppend,
  StorageAppendDone,
  StorageApply,
  StorageApplyDone,
} from './message.ts';
import { appendThread, applyThread, noPeer } from './peer-id.ts';
import type { ReadState } from './read-queue.ts';
import type { Snapshot } from './snapshot.ts';
import { sameHardState, type HardState, type SoftState } from './state.ts';

/**
 * The effects of everything since the last Ready, in the order a host carries them out: persist (one write), send `messages` at
 * any time, `answers` after the write, apply `committed`. README.md has the whole contract.
 */
export interface Ready {
  readonly softState: SoftState | null;
  readonly readStates: readonly ReadState[];
  /** The write needs an fsync: entries, a term or a vote are in it. A commit index alone may be lost. */
  readonly mustSync: boolean;
  /** To write, together. */
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
  /** To apply. */
  readonly committed: readonly Entry[];
  /** To send; appends may leave while the disk writes. */
  readonly messages: readonly PeerMessage[];
  /** To send after the write. Empty with asynchronous storage, whose orders carry them. */
  readonly answers: readonly PeerMessage[];
  /** Asynchronous storage only: the write and the application as orders. */
  readonly append: StorageAppend | null;
  readonly apply: StorageApply | null;
}

/** What the Ready before this one told. */
export interface Told {
  readonly softState: SoftState;
  readonly hardState: HardState;
}

export function hasReady(core: RaftCore, told: Told): boolean {
  return (
    core.role !== told.softState.role ||
    core.lead !== told.softState.lead ||
    core.outbox.length > 0 ||
    core.promises.length > 0 ||
    core.readStates.length > 0 ||
    core.log.unstable.hasNextEntries ||
    core.log.unstable.nextSnapshot() !== null ||
    core.log.hasNextCommitted(!core.settings.asyncStorage) ||
    !sameHardState(core.hardState(), told.hardState)
  );
}

export function buildReady(core: RaftCore, told: Told): Ready {
  const { asyncStorage } = core.settings;
  const { unstable } = core.log;
  const now = core.hardState();
  const soft = core.softState();
  const entries = unstable.nextEntries();
  const snapshot = unstable.nextSnapshot();
  const hardState = sameHardState(now, told.hardState) ? null : now;
  const committed = core.log.nextCommitted(!asyncStorage);
  checkWrite(told.hardState, now, entries);
  return {
    softState: soft.role === told.softState.role && soft.lead === told.softState.lead ? null : soft,
    readStates: core.readStates,
    mustSync: entries.length > 0 || now.vote !== told.hardState.vote || now.term !== told.hardState.term,
    hardState,
    entries,
    snapshot,
    committed,
    messages: core.outbox,
    answers: asyncStorage ? [] : core.promises.filter(({ to }) => to !== core.id),
    append: asyncStorage ? appendOrder(core, { hardState, entries, snapshot }) : null,
    apply: asyncStorage && committed.length > 0 ? applyOrder(core, committed) : null,
  };
}

/** Rules 1, 2 and 8 of the README, before anything leaves for the disk. */
function checkWrite(before: HardState, now: HardState, entries: readonly Entry[]): void {
  assert(now.term >= before.term, `a term never falls: ${now.term} after ${before.term}`);
  assert(now.commit >= before.commit, `a commit never falls: ${now.commit} after ${before.commit}`);
  const keepsVote = now.term > before.term || before.vote === noPeer || now.vote === before.vote;
  assert(keepsVote, `one vote a term: ${now.vote} after ${before.vote} in term ${now.term}`);
  const last = entries.at(-1);
  assert(last === undefined || last.term <= now.term, 'no entry is durable before its term');
}

type Write = Pick<StorageAppend, 'hardState' | 'entries' | 'snapshot'>;

function appendOrder(core: RaftCore, write: Write): StorageAppend | null {
  const { hardState, entries, snapshot } = write;
  const isIdle =
    hardState === null && entries.length === 0 && snapshot === null && core.promises.length === 0;
  if (isIdle) return null;
  const done = appendDone(core, snapshot);
  const responses: Response[] = done === null ? core.promises : [...core.promises, done];
  return { type: 'storage-append', to: appendThread, from: core.id, ...write, responses };
}

function applyOrder(core: RaftCore, entries: readonly Entry[]): StorageApply {
  return {
    type: 'storage-apply',
    to: applyThread,
    from: core.id,
    entries,
    responses: [applyDone(core, entries)],
  };
}

/**
 * The news that a write is durable. It names the end of the whole log as of now, not of this write: writes are carried out in order,
 * so everything before is durable too; and it carries the term of now, so that an entry that was replaced and put back by a later
 * leader is not taken for durable (the ABA case).
 */
function appendDone(core: RaftCore, snapshot: Snapshot | null): StorageAppendDone | null {
  const hasEntries = core.log.unstable.length > 0;
  if (!hasEntries && snapshot === null) return null;
  return {
    type: 'storage-append-done',
    to: core.id,
    from: appendThread,
    term: core.term,
    upTo: hasEntries ? core.lastId() : null,
    snapshot,
  };
}

function applyDone(core: RaftCore, entries: readonly Entry[]): StorageApplyDone {
  return { type: 'storage-apply-done', to: core.id, from: applyThread, term: 0, entries };
}

/** Hands the Ready over: nothing in it comes again. The result is what `advance` is to take in, for synchronous storage. */
export function acceptReady(core: RaftCore, ready: Ready): Response[] {
  const steps: Response[] = [];
  if (!core.settings.asyncStorage) {
    for (const promise of core.promises) if (promise.to === core.id) steps.push(promise);
    const done = appendDone(core, ready.snapshot);
    if (done !== null) steps.push(done);
    if (ready.committed.length > 0) steps.push(applyDone(core, ready.committed));
  }
  core.outbox = [];
  core.promises = [];
  if (ready.readStates.length > 0) core.readStates = [];
  core.log.unstable.acceptInProgress();
  if (ready.committed.length > 0) core.log.acceptApplying(ready.committed, !core.settings.asyncStorage);
  return steps;
}
