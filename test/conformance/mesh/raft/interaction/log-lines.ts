import type { MembershipRecord } from '#agent/mesh/raft/membership/membership.ts';
import type { MemberView } from '#agent/mesh/raft/member-view.ts';
import type { ChangeRefusal, Note, NoteKind, VoteVerdict } from '#agent/mesh/raft/note.ts';
import type { MembershipChange } from '#agent/mesh/raft/membership/change.ts';
import {
  actionNames,
  describeChange,
  describeMembership,
  describeProgress,
  messageNames,
  transitionNames,
} from '../describe.ts';
import type { Release } from '../release.ts';
import { hex, list } from '../go-format.ts';

export const levels = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'NONE'] as const;
export type Level = (typeof levels)[number];

/** A note as etcd-io/raft logs it; null for what only our members do. */
type Line<Kind extends NoteKind> = (
  note: Extract<Note, { kind: Kind }>,
  member: MemberView,
  release: Release,
) => readonly [Level, string] | null;

const refusalText = (reason: ChangeRefusal): string => {
  if (reason.why === 'change-pending')
    return `possible unapplied conf change at index ${reason.pending} (applied to ${reason.applied})`;
  if (reason.why === 'impossible') return `it cannot be applied: ${reason.problem}`;
  return reason.why === 'joint-phase-on'
    ? 'must transition out of joint config first'
    : 'not in joint state; refusing empty conf change';
};

const voteLine =
  (verb: string, preposition: string) =>
  (n: VoteVerdict<'vote-cast' | 'vote-rejected'>, m: MemberView): readonly [Level, string] => [
    'INFO',
    `${hex(m.id)} [logterm: ${n.last.term}, index: ${n.last.index}, vote: ${hex(m.vote)}] ${verb} ${messageNames[n.type]} ` +
      `${preposition} ${hex(n.from)} [logterm: ${n.candidateLast.term}, index: ${n.candidateLast.index}] at term ${m.term}`,
  ];

const lines: { readonly [Kind in NoteKind]: Line<Kind> } = {
  'conflict-found': (n) => [
    'INFO',
    `found conflict at index ${n.conflicting.index} [existing term: ${n.existing}, conflicting term: ${n.conflicting.term}]`,
  ],
  'log-restoring': (n, { log }) => [
    'INFO',
    `log [committed=${log.committed}, applied=${log.applied}, applying=${log.applying}, unstable.offset=${log.unstable.offset}, ` +
      `unstable.offsetInProgress=${log.unstable.offsetInProgress}, len(unstable.Entries)=${log.unstable.length}] ` +
      `starts to restore snapshot [index: ${n.snapshot.index}, term: ${n.snapshot.term}]`,
  ],
  'unstable-replaced': (n) => ['INFO', `replace the unstable entries from index ${n.from}`],
  'unstable-truncated': (n) => ['INFO', `truncate the unstable entries before index ${n.from}`],
  'stable-entry-missing': (n) => ['INFO', `entry at index ${n.index} missing from unstable log; ignoring`],
  'stable-entry-in-snapshot': (n) => [
    'INFO',
    `entry at index ${n.index} matched unstable snapshot; ignoring`,
  ],
  'stable-entry-replaced': (n) => [
    'INFO',
    `entry at (index,term)=(${n.durable.index},${n.durable.term}) mismatched with entry at ` +
      `(${n.durable.index},${n.term}) in unstable log; ignoring`,
  ],
  'stale-append-done': (n, m) => [
    'INFO',
    `${hex(m.id)} [term: ${m.term}] ignored entry appends from a MsgStorageAppendResp message with lower term [term: ${n.term}]`,
  ],
  started: (n, m) => [
    'INFO',
    `newRaft ${hex(m.id)} [peers: [${n.voters.map(hex).join(',')}], term: ${m.term}, commit: ${m.log.committed}, ` +
      `applied: ${m.log.applied}, lastindex: ${n.last.index}, lastterm: ${n.last.term}]`,
  ],
  'became-follower': (_, m) => ['INFO', `${hex(m.id)} became follower at term ${m.term}`],
  'became-pre-candidate': (_, m) => ['INFO', `${hex(m.id)} became pre-candidate at term ${m.term}`],
  'became-candidate': (_, m) => ['INFO', `${hex(m.id)} became candidate at term ${m.term}`],
  'became-leader': (_, m) => ['INFO', `${hex(m.id)} became leader at term ${m.term}`],
  'higher-term': (n, m) => [
    'INFO',
    `${hex(m.id)} [term: ${m.term}] received a ${messageNames[n.type]} message with higher term from ${hex(n.from)} [term: ${n.term}]`,
  ],
  'stale-message': (n, m) => [
    'INFO',
    `${hex(m.id)} [term: ${m.term}] ignored a ${messageNames[n.type]} message with lower term from ${hex(n.from)} [term: ${n.term}]`,
  ],
  'quorum-lost': (_, m) => ['WARN', `${hex(m.id)} stepped down to follower since quorum is not active`],
  'campaign-while-leading': (_, m) => ['DEBUG', `${hex(m.id)} ignoring MsgHup because already leader`],
  'campaign-unpromotable': (_, m) => ['WARN', `${hex(m.id)} is unpromotable and can not campaign`],
  'campaign-before-change-applied': (_, m) => [
    'WARN',
    `${hex(m.id)} cannot campaign at term ${m.term} since there are still pending configuration changes to apply`,
  ],
  'campaign-started': (_, m) => ['INFO', `${hex(m.id)} is starting a new election at term ${m.term}`],
  'vote-requested': (n, m) => [
    'INFO',
    `${hex(m.id)} [logterm: ${n.last.term}, index: ${n.last.index}] sent ${messageNames[n.type]} request to ${hex(n.to)} at term ${m.term}`,
  ],
  'vote-received': (n, m) => [
    'INFO',
    `${hex(m.id)} received ${messageNames[n.type]}${n.granted ? '' : ' rejection'} from ${hex(n.from)} at term ${m.term}`,
  ],
  'votes-counted': (n, m) => [
    'INFO',
    `${hex(m.id)} has received ${n.granted} ${messageNames[n.type]} votes and ${n.rejected} vote rejections`,
  ],
  'vote-ignored-in-lease': (n, m) => [
    'INFO',
    `${hex(m.id)} [logterm: ${n.last.term}, index: ${n.last.index}, vote: ${hex(m.vote)}] ignored ${messageNames[n.type]} ` +
      `from ${hex(n.from)} [logterm: ${n.candidateLast.term}, index: ${n.candidateLast.index}] at term ${m.term}: ` +
      `lease is not expired (remaining ticks: ${n.ticksLeft})`,
  ],
  'vote-cast': voteLine('cast', 'for'),
  'vote-rejected': voteLine('rejected', 'from'),
  stranger: (n, m) => ['DEBUG', `${hex(m.id)} no progress available for ${hex(n.from)}`],
  'append-answer-refused': (n, m) => [
    'DEBUG',
    `${hex(m.id)} received MsgAppResp(rejected, hint: (index ${n.hint.index}, term ${n.hint.term})) from ${hex(n.from)} for index ${n.index}`,
  ],
  'progress-decreased': (n, m) => [
    'DEBUG',
    `${hex(m.id)} decreased progress of ${hex(n.from)} to [${describeProgress(n.progress)}]`,
  ],
  'replication-paused': (n, m) => [
    'DEBUG',
    `${hex(m.id)} paused sending replication messages to ${hex(n.to)} [${describeProgress(n.progress)}]`,
  ],
  unreachable: (n, m) => [
    'DEBUG',
    `${hex(m.id)} failed to send message to ${hex(n.from)} because it is unreachable [${describeProgress(n.progress)}]`,
  ],
  'append-refused': (n, m) => [
    'DEBUG',
    `${hex(m.id)} [logterm: ${n.existing}, index: ${n.previous.index}] rejected MsgApp [logterm: ${n.previous.term}, ` +
      `index: ${n.previous.index}] from ${hex(n.from)}`,
  ],
  'commit-learnt-from-vote': () => null,
  'doubt-ended': () => null,
  'loss-reported': () => null,
  'append-clipped': () => null,
  'message-lost-in-full-outbox': () => null,
  'snapshot-not-sent-inactive': (n) => [
    'DEBUG',
    `ignore sending snapshot to ${hex(n.to)} since it is not recently active`,
  ],
  'snapshot-not-ready': (n, m) => [
    'DEBUG',
    `${hex(m.id)} failed to send snapshot to ${hex(n.to)} because snapshot is temporarily unavailable`,
  ],
  'snapshot-sent': (n, m) => [
    'DEBUG',
    `${hex(m.id)} [firstindex: ${m.log.firstIndex()}, commit: ${m.log.committed}] sent snapshot[index: ${n.snapshot.index}, ` +
      `term: ${n.snapshot.term}] to ${hex(n.to)} [${describeProgress(n.progress)}]`,
  ],
  'snapshot-caught-up': (n, m) => [
    'DEBUG',
    `${hex(m.id)} recovered from needing snapshot, resumed sending replication messages to ${hex(n.from)} [${describeProgress(n.progress)}]`,
  ],
  'snapshot-succeeded': (n, m) => [
    'DEBUG',
    `${hex(m.id)} snapshot succeeded, resumed sending replication messages to ${hex(n.from)} [${describeProgress(n.progress)}]`,
  ],
  'snapshot-failed': (n, m) => [
    'DEBUG',
    `${hex(m.id)} snapshot failed, resumed sending replication messages to ${hex(n.from)} [${describeProgress(n.progress)}]`,
  ],
  'snapshot-taken': (n, m) => [
    'INFO',
    `${hex(m.id)} [commit: ${m.log.committed}] restored snapshot [index: ${n.snapshot.index}, term: ${n.snapshot.term}]`,
  ],
  'snapshot-ignored': (n, m) => [
    'INFO',
    `${hex(m.id)} [commit: ${m.log.committed}] ignored snapshot [index: ${n.snapshot.index}, term: ${n.snapshot.term}]`,
  ],
  'snapshot-without-me': (n, m, { structures, gap }) => [
    'WARN',
    `${hex(m.id)} attempted to restore snapshot but it is not in the ConfState ${structures === 'plain' ? plainRecord(n.membership) : protoText(n.membership, gap)}; should never happen`,
  ],
  'snapshot-fast-forwarded': (n, m) => [
    'INFO',
    `${hex(m.id)} [commit: ${m.log.committed}, lastindex: ${n.last.index}, lastterm: ${n.last.term}] ` +
      `fast-forwarded commit to snapshot [index: ${n.snapshot.index}, term: ${n.snapshot.term}]`,
  ],
  'snapshot-restored': (n, m) => [
    'INFO',
    `${hex(m.id)} [commit: ${m.log.committed}, lastindex: ${n.last.index}, lastterm: ${n.last.term}] ` +
      `restored snapshot [index: ${n.snapshot.index}, term: ${n.snapshot.term}]`,
  ],
  'membership-switched': (n, m) => [
    'INFO',
    `${hex(m.id)} switched to configuration ${describeMembership(n.membership)}`,
  ],
  'change-refused': (n, m, { structures }) => [
    'INFO',
    `${hex(m.id)} ignoring conf change ${structures === 'plain' ? plainChange(n.change) : describeChange(n.change)} at config ${describeMembership(n.membership)}: ${refusalText(n.reason)}`,
  ],
  'leave-joint-proposed': (n) => [
    'INFO',
    `initiating automatic transition out of joint configuration ${describeMembership(n.membership)}`,
  ],
  'leave-joint-not-proposed': (n) => [
    'DEBUG',
    `not initiating automatic transition out of joint configuration ${describeMembership(n.membership)}: raft proposal dropped`,
  ],
  'proposal-over-limit': (_, m) => [
    'WARN',
    `${hex(m.id)} appending new entries to log would exceed uncommitted entry size limit; dropping proposal`,
  ],
  'proposal-without-leader': (_, m) => [
    'INFO',
    `${hex(m.id)} no leader at term ${m.term}; dropping proposal`,
  ],
  'proposal-not-forwarded': (n, m) => [
    'INFO',
    `${hex(m.id)} not forwarding to leader ${hex(n.lead)} at term ${m.term}; dropping proposal`,
  ],
  'proposal-during-transfer': (n, m) => [
    'DEBUG',
    `${hex(m.id)} [term ${m.term}] transfer leadership to ${hex(n.transferee)} is in progress; dropping proposal`,
  ],
  'read-without-leader': (_, m) => [
    'INFO',
    `${hex(m.id)} no leader at term ${m.term}; dropping index reading msg`,
  ],
  'transfer-without-leader': (_, m) => [
    'INFO',
    `${hex(m.id)} no leader at term ${m.term}; dropping leader transfer msg`,
  ],
  'transfer-to-learner': (_, m) => ['DEBUG', `${hex(m.id)} is learner. Ignored transferring leadership`],
  'transfer-already-on': (n, m) => [
    'INFO',
    `${hex(m.id)} [term ${m.term}] transfer leadership to ${hex(n.transferee)} is in progress, ` +
      `ignores request to same node ${hex(n.transferee)}`,
  ],
  'transfer-aborted': (n, m) => [
    'INFO',
    `${hex(m.id)} [term ${m.term}] abort previous transferring leadership to ${hex(n.transferee)}`,
  ],
  'transfer-to-self': (_, m) => [
    'DEBUG',
    `${hex(m.id)} is already leader. Ignored transferring leadership to self`,
  ],
  'transfer-started': (n, m) => [
    'INFO',
    `${hex(m.id)} [term ${m.term}] starts to transfer leadership to ${hex(n.transferee)}`,
  ],
  'transfer-at-once': (n, m) => [
    'INFO',
    `${hex(m.id)} sends MsgTimeoutNow to ${hex(n.transferee)} immediately as ${hex(n.transferee)} already has up-to-date log`,
  ],
  'transfer-caught-up': (n, m) => [
    'INFO',
    `${hex(m.id)} sent MsgTimeoutNow to ${hex(n.transferee)} after received MsgAppResp`,
  ],
  'timeout-now': (n, m) => [
    'INFO',
    `${hex(m.id)} [term ${m.term}] received MsgTimeoutNow from ${hex(n.from)} and starts an election to get leadership.`,
  ],
  'timeout-now-ignored': (n, m) => [
    'DEBUG',
    `${hex(m.id)} [term ${m.term} state ${m.role === 'candidate' ? 'StateCandidate' : 'StatePreCandidate'}] ` +
      `ignored MsgTimeoutNow from ${hex(n.from)}`,
  ],
  'leader-forgotten': (n, m) => ['INFO', `${hex(m.id)} forgetting leader ${hex(n.lead)} at term ${m.term}`],
  'forget-refused-by-lease': () => ['ERROR', 'ignoring MsgForgetLeader due to ReadOnlyLeaseBased'],
};

/** Go's protobuf text of a ConfState. */
function protoText(record: MembershipRecord, gap: Release['gap']): string {
  const fields = [
    ...record.voters.map((id) => `voters:${id}`),
    ...record.learners.map((id) => `learners:${id}`),
    ...record.votersOutgoing.map((id) => `voters_outgoing:${id}`),
    ...record.learnersNext.map((id) => `learners_next:${id}`),
    `auto_leave:${record.autoLeave}`,
  ];
  return fields.join(gap);
}

const plainRecord = (record: MembershipRecord): string =>
  `{${list(record.voters)} ${list(record.learners)} ${list(record.votersOutgoing)} ${list(record.learnersNext)} ${record.autoLeave}}`;

function plainChange(change: MembershipChange): string {
  const steps = change.steps.map(({ action, peer }) => `${actionNames[action]} ${peer}`);
  const context = list([...change.context]);
  if (change.form === 'single') return `{${steps[0]} ${context} 0}`;
  return `{${transitionNames[change.transition]} [${steps.map((step) => `{${step}}`).join(' ')}] ${context}}`;
}

export function logLine(note: Note, member: MemberView, release: Release): readonly [Level, string] | null {
  const line = lines[note.kind] as Line<NoteKind>;
  return line(note, member, release);
}
