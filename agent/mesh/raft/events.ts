import type { LogFields, LogLevel, Telemetry } from '../../ports/telemetry.ts';
import type { MemberView } from './member-view.ts';
import type { Note, NoteKind } from './note.ts';

/**
 * Who must act on a note. What happens with every message is counted only. A leader that loses its quorum or a snapshot that does
 * not fit this member is for today; changes of leadership and membership are worth knowing.
 */
const levels: Readonly<Record<NoteKind, LogLevel | 'count'>> = {
  'conflict-found': 'info',
  'log-restoring': 'info',
  'unstable-replaced': 'count',
  'unstable-truncated': 'count',
  'stable-entry-missing': 'count',
  'stable-entry-in-snapshot': 'count',
  'stable-entry-replaced': 'count',
  'stale-append-done': 'count',
  started: 'notice',
  'became-follower': 'notice',
  'became-pre-candidate': 'info',
  'became-candidate': 'notice',
  'became-leader': 'notice',
  'higher-term': 'info',
  'stale-message': 'count',
  'quorum-lost': 'warning',
  'campaign-while-leading': 'debug',
  'campaign-unpromotable': 'debug',
  'campaign-before-change-applied': 'info',
  'campaign-started': 'info',
  'vote-requested': 'debug',
  'vote-received': 'debug',
  'votes-counted': 'debug',
  'vote-ignored-in-lease': 'info',
  'commit-learnt-from-vote': 'info',
  'vote-cast': 'info',
  'vote-rejected': 'info',
  stranger: 'warning',
  'append-answer-refused': 'count',
  'progress-decreased': 'count',
  'replication-paused': 'info',
  unreachable: 'count',
  'append-refused': 'count',
  'append-clipped': 'count',
  'message-lost-in-full-outbox': 'count',
  'snapshot-not-sent-inactive': 'count',
  'snapshot-not-ready': 'count',
  'snapshot-sent': 'notice',
  'doubt-ended': 'notice',
  'loss-reported': 'warning',
  'snapshot-caught-up': 'notice',
  'snapshot-succeeded': 'notice',
  'snapshot-failed': 'warning',
  'snapshot-taken': 'notice',
  'snapshot-ignored': 'info',
  'snapshot-without-me': 'warning',
  'snapshot-fast-forwarded': 'info',
  'snapshot-restored': 'info',
  'membership-switched': 'notice',
  'change-refused': 'warning',
  'leave-joint-proposed': 'info',
  'leave-joint-not-proposed': 'info',
  'proposal-over-limit': 'count',
  'proposal-without-leader': 'count',
  'proposal-not-forwarded': 'count',
  'proposal-during-transfer': 'count',
  'read-without-leader': 'count',
  'transfer-without-leader': 'info',
  'transfer-to-learner': 'info',
  'transfer-already-on': 'info',
  'transfer-aborted': 'info',
  'transfer-to-self': 'info',
  'transfer-started': 'notice',
  'transfer-at-once': 'info',
  'transfer-caught-up': 'info',
  'timeout-now': 'notice',
  'timeout-now-ignored': 'info',
  'leader-forgotten': 'notice',
  'forget-refused-by-lease': 'info',
};

/** Reports notes: a counter each, and a line for those that are somebody's business. Give it to a member as `observe`. */
export function reportNotes(telemetry: Telemetry): (note: Note, member: MemberView) => void {
  return (note, member) => {
    telemetry.count('raft_events', { event: note.kind });
    const level = levels[note.kind];
    if (level === 'count') return;
    const fields = { member: member.id, term: member.term, role: member.role, lead: member.lead };
    telemetry.log(level, `raft.${note.kind}`, note.kind.replaceAll('-', ' '), {
      ...fields,
      ...plainOf(note),
    });
  };
}

/** The note's own values, as far as a log line holds them. */
function plainOf(note: Note): LogFields {
  const fields: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(note) as [string, unknown][]) {
    if (name === 'kind') continue;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      fields[name === 'term' ? 'other_term' : name] = value;
    else if (isEntryId(value)) fields[name] = `${value.term}/${value.index}`;
  }
  return fields;
}

function isEntryId(value: unknown): value is { readonly term: number; readonly index: number } {
  return typeof value === 'object' && value !== null && 'term' in value && 'index' in value;
}
