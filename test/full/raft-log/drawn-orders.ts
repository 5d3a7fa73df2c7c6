import type { Prng } from '#agent/base/prng.ts';
import { peerId } from '#agent/mesh/raft/peer-id.ts';
import type { LogReader } from '#agent/mesh/raft/log/log-reader.ts';
import type { LogOrder } from '#agent/mesh/raft-log/port.ts';
import { entryAt, lastIndex, type TwinState } from '#test/property/mesh/raft-log/log-twin.ts';
import { run, snapshotAt } from '#test/unit/mesh/raft-log/storage-compliance.ts';

/** Orders under way at once. */
export const ordersUnderWayMax = 8;

/** The next order of a member at work: what the process that is killed gives, and what its judge replays. */
export function drawOrder(chance: Prng, state: TwinState, id: number): LogOrder {
  const { term, vote, commit } = state.hardState;
  const last = lastIndex(state);
  const committed = entryAt(state, commit);
  if (id % 40 === 0 && committed !== undefined)
    return { kind: 'keep-snapshot', id, snapshot: snapshotAt(commit, committed.term) };
  if (id % 40 === 1 && state.snapshot !== null && state.snapshot.id.index > state.base.index)
    return { kind: 'compact', id, upTo: state.snapshot.id.index };
  const isNewLeader = chance.chance(0.1);
  const hardState = isNewLeader
    ? { term: term + 1, vote: peerId(1 + chance.below(3)), commit }
    : { term: Math.max(1, term), vote, commit: Math.max(commit, last - chance.below(6)) };
  const from = isNewLeader ? Math.max(hardState.commit, last - chance.below(4)) + 1 : last + 1;
  const entries = run(from, from + chance.below(20), hardState.term);
  return { kind: 'append', id, hardState, entries, snapshot: null };
}

/** A log as it was opened, as the state to go on from. */
export function twinOf(reader: LogReader): TwinState {
  const before = reader.firstIndex() - 1;
  const snapshot = reader.snapshot();
  return {
    hardState: reader.initialState().hardState,
    snapshot: snapshot === undefined || snapshot.id.index === 0 ? null : snapshot,
    base: { index: before, term: reader.term(before)! },
    entries: reader.entries(before + 1, reader.lastIndex() + 1, Infinity) ?? [],
  };
}
