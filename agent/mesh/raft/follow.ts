import type { RaftCore } from './core.ts';
import { entryBytes, type Entry, type EntryId, type LogIndex } from './entry.ts';
import type { AppendMessage, HeartbeatMessage } from './message.ts';
import { limits } from './limits.ts';
import type { PeerId } from './peer-id.ts';

/** What every leader's entries are: without holes after `previous`, of rising terms, none above the leader's own. */
export function isSound({ previous, entries, term }: AppendMessage): boolean {
  let before = previous;
  for (const entry of entries) {
    if (entry.index !== before.index + 1 || entry.term < before.term || entry.term > term) return false;
    before = entry;
  }
  return true;
}

/** Raft §5.3: take what follows an entry this log holds, refuse the rest with a hint where the logs may agree. */
export function followAppend(core: RaftCore, message: AppendMessage): void {
  const { previous, from } = message;
  // What is committed agrees with every leader's log.
  if (previous.index < core.log.committed) return answerAppend(core, from, core.log.committed, null);
  const entries = withinBounds(core, message);
  const agreed = core.log.tryAppend({ previous, entries }, message.commit);
  const left = message.entries.length - entries.length;
  if (agreed !== undefined && left > 0) {
    core.isFull = true;
    core.rationTicks = limits.refusalRationTicks;
    core.note({ kind: 'append-clipped', from, taken: entries.length, offered: message.entries.length });
  }
  // An answer would bring the same entries at once, and with them all that do not follow: a storm that feeds on itself.
  if (core.isFull && (agreed === undefined || (left > 0 && entries.length === 0))) return;
  if (agreed !== undefined) return answerAppend(core, from, agreed, null);
  if (core.rationTicks > 0 && core.hasRefusedInTick) return;
  core.hasRefusedInTick = true;
  const existing = core.log.term(previous.index) ?? 0;
  core.note({ kind: 'append-refused', from, previous, existing });
  const end = Math.min(previous.index, core.log.lastIndex());
  answerAppend(core, from, previous.index, core.log.lastAtOrBelowTerm(end, previous.term));
}

export function answerAppend(core: RaftCore, to: PeerId, index: LogIndex, refused: EntryId | null): void {
  const answer = { type: 'append-answer', to, from: core.id, term: core.term, index, refused } as const;
  core.send(core.doubt === 0 ? answer : { ...answer, endsAt: core.log.lastIndex() });
}

/**
 * The entries there is room for: a leader's bounds do not bind a follower that writes or applies slower than it. What is clipped
 * is as if it had been lost on the way, and what cannot follow it too, until there is room again. Both backlogs drain by the own
 * disk and state machine alone, so the group cannot get stuck on them.
 */
function withinBounds(core: RaftCore, message: AppendMessage): readonly Entry[] {
  const { entries } = message;
  const { unstableBytesMax, unappliedEntriesMax } = core.settings.limits;
  let count = core.log.committed - core.log.applied > unappliedEntriesMax ? 0 : entries.length;
  let bytes = core.log.unstable.bytes;
  for (let at = 0; at < count; at++) {
    // What the log holds needs no room; one entry always has it, or a large one would wait for ever.
    if (core.log.holds(entries[at]!)) continue;
    const isFirst = bytes === 0;
    bytes += entryBytes(entries[at]!);
    if (bytes > unstableBytesMax && !isFirst) count = at;
  }
  return count === entries.length ? entries : entries.slice(0, count);
}

export function followHeartbeat(core: RaftCore, message: HeartbeatMessage): void {
  // A leader that has not heard of the loss tells a commit index this log does not reach.
  core.log.commitTo(core.doubt === 0 ? message.commit : Math.min(message.commit, core.log.lastIndex()));
  core.send({
    type: 'heartbeat-answer',
    to: message.from,
    from: core.id,
    term: core.term,
    readMark: message.readMark,
  });
  // A leader with nothing to send would never hear where this log ends.
  if (core.doubt > 0) answerAppend(core, message.from, core.log.committed, null);
}
