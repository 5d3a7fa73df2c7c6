import { assert } from '#agent/base/assert.ts';
import { isChangeKind, type Entry } from '#agent/mesh/raft/entry.ts';
import type { LogReader } from '#agent/mesh/raft/log/log-reader.ts';
import { MemoryLog } from '#agent/mesh/raft/log/memory-log.ts';
import { RaftMember } from '#agent/mesh/raft/member.ts';
import { decodeChange } from '#agent/mesh/raft/membership/change.ts';
import type { StorageAppend, StorageApply } from '#agent/mesh/raft/message.ts';
import type { Ready } from '#agent/mesh/raft/ready.ts';
import type { RaftOptions, ReadMode } from '#agent/mesh/raft/options.ts';
import type { Refusal, StepOutcome } from '#agent/mesh/raft/outcome.ts';
import { isStorageThread, peerId, type PeerId } from '#agent/mesh/raft/peer-id.ts';
import type { Snapshot } from '#agent/mesh/raft/snapshot.ts';
import type { HardState } from '#agent/mesh/raft/state.ts';
import { describeMessage, describeReady, envelopesOf, type Envelope } from '../describe.ts';
import type { Release } from '../release.ts';
import { logLine } from './log-lines.ts';
import { Output } from './output.ts';

/** As etcd's scripts say them. */
const refusalTexts = (refusal: Refusal): string => {
  if (refusal === 'local-message') return 'raft: cannot step raft local message';
  return refusal === 'unknown-peer' ? 'raft: cannot step as peer not found' : 'raft proposal dropped';
};

export const problemOf = (outcome: StepOutcome): string | null =>
  outcome.taken ? null : refusalTexts(outcome.refusal);

export interface NodeOptions {
  asyncStorage: boolean;
  preVote: boolean;
  checkQuorum: boolean;
  guardChanges: boolean;
  stepDownOnRemoval: boolean;
  readMode: ReadMode;
  inflightMessagesMax: number;
  applyingBytesMax: number;
  applied: number;
  /** Of a member that lost the end of its log. */
  doubt?: number;
}

/** A member with its log, its queues of storage work, and every snapshot its state machine could give. */
export interface Node {
  readonly id: PeerId;
  readonly member: RaftMember;
  readonly log: MemoryLog;
  readonly asyncStorage: boolean;
  readonly appendWork: StorageAppend[];
  readonly applyWork: StorageApply[];
  /** The state after each applied entry; the state machine's data is all its commands in a row. */
  readonly history: Snapshot[];
  readonly options: NodeOptions;
}

/** What a group is made of that its scripts do not say. */
export type GroupRules = Pick<NodeOptions, 'preVote' | 'checkQuorum' | 'stepDownOnRemoval'> &
  Required<Pick<RaftOptions, 'guardImpossible' | 'frankVotes' | 'ownVoteFirst' | 'retryLeave'>> & {
    /** A snapshot that is taken is the state machine's too. That of etcd-io/raft's own environment stays what it was. */
    readonly restoresState: boolean;
  };

/** What etcd-io/raft's scripts take for granted. */
const rulesOfEtcd: GroupRules = {
  preVote: false,
  checkQuorum: false,
  stepDownOnRemoval: false,
  guardImpossible: false,
  frankVotes: false,
  ownVoteFirst: false,
  retryLeave: false,
  restoresState: false,
};

export const electionTicks = 3;
export const heartbeatTicks = 1;

/** All members of a script, and the messages between them. */
export class Site {
  readonly output = new Output();
  readonly nodes: Node[] = [];
  /** On the way, oldest first. */
  messages: Envelope[] = [];
  /** Members that no message leaves or reaches. */
  readonly cutOff = new Set<PeerId>();
  readonly rules: GroupRules;
  readonly #release: Release;

  constructor(release: Release, rules: GroupRules = rulesOfEtcd) {
    this.#release = release;
    this.rules = rules;
  }

  addNode(options: NodeOptions, snapshot: Snapshot): void {
    const id = peerId(this.nodes.length + 1);
    const log = new MemoryLog();
    if (snapshot.id.index > 0) log.applySnapshot(snapshot);
    this.nodes.push(this.#nodeOf(id, log, [snapshot], options));
  }

  /** Everything in memory is gone; the log and the state machine are what they were, the log perhaps without its last entries. */
  restart(node: Node, { lostEntries = 0 } = {}): void {
    const log = lostEntries === 0 ? node.log : withoutLast(node.log, lostEntries);
    const applied = node.history.at(-1)!.id.index;
    const doubt = lostEntries === 0 ? 0 : node.log.lastIndex();
    this.nodes[node.id - 1] = this.#nodeOf(node.id, log, node.history, { ...node.options, applied, doubt });
    this.messages = this.messages.filter((message) => message.to !== node.id || !isInternal(message));
  }

  #nodeOf(id: PeerId, log: MemoryLog, history: Snapshot[], options: NodeOptions): Node {
    // Snapshots come from the state machine, not from the log, and so does the membership as of what is applied.
    const reader: LogReader = {
      initialState: () => ({ ...log.initialState(), membership: history.at(-1)!.membership }),
      firstIndex: () => log.firstIndex(),
      lastIndex: () => log.lastIndex(),
      term: (index) => log.term(index),
      entries: (start, end, bytesMax) => log.entries(start, end, bytesMax),
      snapshot: () => history.at(-1),
    };
    const member = new RaftMember(this.#memberOptions(id, reader, options));
    const { asyncStorage } = options;
    return { id, member, log, asyncStorage, appendWork: [], applyWork: [], history, options };
  }

  #memberOptions(id: PeerId, log: LogReader, options: NodeOptions): RaftOptions {
    const { inflightMessagesMax, applyingBytesMax, ...rest } = options;
    return {
      ...rest,
      pacing: this.#release.pacing,
      guardImpossible: this.rules.guardImpossible,
      frankVotes: this.rules.frankVotes,
      ownVoteFirst: this.rules.ownVoteFirst,
      retryLeave: this.rules.retryLeave,
      id,
      log,
      // The scripts set the timeouts that matter; the random ones were made with this spread pinned.
      entropy: { float: () => 0, uint32: () => 0 },
      electionTicks,
      heartbeatTicks,
      limits: { ...unlimited, inflightMessagesMax, applyingBytesMax },
      observe: (note, view) => {
        const line = logLine(note, view, this.#release);
        if (line !== null) this.output.log(...line);
      },
    };
  }

  processReady(node: Node): Ready {
    const ready = node.member.ready();
    this.output.write(describeReady(ready, this.#release.nesting));
    if (!node.asyncStorage) {
      write(node, ready, this.rules);
      applyEntries(node, ready.committed);
    }
    for (const envelope of envelopesOf(ready)) {
      if (envelope.type === 'storage-append') node.appendWork.push(envelope);
      else if (envelope.type === 'storage-apply') node.applyWork.push(envelope);
      else this.#post(envelope);
    }
    if (!node.asyncStorage) node.member.advance();
    return ready;
  }

  processAppend(node: Node): void {
    const order = node.appendWork.shift();
    if (order === undefined) return this.output.write('no append work to perform');
    this.#carryOut(order, () => write(node, order, this.rules));
  }

  processApply(node: Node): void {
    const order = node.applyWork.shift();
    if (order === undefined) return this.output.write('no apply work to perform');
    this.#carryOut(order, () => applyEntries(node, order.entries));
  }

  #carryOut(order: StorageAppend | StorageApply, act: () => void): void {
    this.output.write(`Processing:\n${this.describe({ ...order, responses: [] })}\n`);
    act();
    this.output.write('Responses:\n');
    for (const response of order.responses) {
      this.output.write(`${this.describe(response)}\n`);
      this.#post(response);
    }
  }

  describe(message: Envelope): string {
    return describeMessage(message, this.#release.nesting);
  }

  #post(message: Envelope): void {
    const isLost = this.cutOff.has(message.from) || this.cutOff.has(message.to);
    if (!isLost || isInternal(message)) this.messages.push(message);
  }

  /** Takes out the messages to `to`; work for the own member is never dropped. */
  takeMessages(to: PeerId, filter: { readonly drop: boolean; readonly type: string | null }): Envelope[] {
    const isTaken = (message: Envelope): boolean =>
      message.to === to &&
      !(filter.drop && isInternal(message)) &&
      (filter.type === null || message.type === filter.type);
    const messages = this.messages.filter(isTaken);
    this.messages = this.messages.filter((message) => !isTaken(message));
    return messages;
  }

  deliver(messages: readonly Envelope[]): void {
    for (const message of messages) {
      this.output.write(`${this.describe(message)}\n`);
      if (message.type === 'storage-append' || message.type === 'storage-apply') continue;
      const outcome = this.nodes[message.to - 1]!.member.step(message);
      // Reads and transfers that find no leader vanish without a word there.
      const silent = message.type === 'transfer-leader' || message.type === 'read-index';
      const problem = silent ? null : problemOf(outcome);
      if (problem !== null) this.output.write(`${problem}\n`);
    }
  }
}

const unlimited = {
  entryBytesMax: Infinity,
  messageBytesMax: Infinity,
  inflightBytesMax: Infinity,
  uncommittedBytesMax: Infinity,
  unstableBytesMax: Infinity,
  unappliedEntriesMax: Infinity,
  readsPendingMax: Infinity,
  outboxMessagesMax: Infinity,
};

const isInternal = (message: Envelope): boolean =>
  message.from === message.to || isStorageThread(message.from) || isStorageThread(message.to);

function withoutLast(log: MemoryLog, count: number): MemoryLog {
  const shorter = new MemoryLog();
  const { id } = log.snapshot();
  const end = log.lastIndex() - count;
  const entries = log.entries(id.index + 1, end + 1, Infinity);
  const { hardState } = log.initialState();
  assert(end >= hardState.commit && entries !== undefined, 'what is lost lies above the recorded commit');
  shorter.applySnapshot(log.snapshot());
  shorter.append(entries);
  shorter.setHardState(hardState);
  return shorter;
}

interface Write {
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
}

function write(node: Node, { hardState, entries, snapshot }: Write, { restoresState }: GroupRules): void {
  if (hardState !== null) node.log.setHardState(hardState);
  if (snapshot === null) node.log.append(entries);
  else if (node.log.applySnapshot(snapshot) && restoresState) node.history.push(snapshot);
}

function applyEntries(node: Node, entries: readonly Entry[]): void {
  for (const entry of entries) {
    const before = node.history.at(-1)!;
    let update = entry.data;
    let { membership } = before;
    if (isChangeKind(entry.kind)) {
      const change = decodeChange(entry.kind, entry.data)!;
      update = change.context;
      membership = node.member.applyChange(change);
    }
    const data = update.length === 0 ? before.data : Uint8Array.of(...before.data, ...update);
    node.history.push({ id: { term: entry.term, index: entry.index }, membership, data });
  }
}
