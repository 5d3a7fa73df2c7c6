import { expect, test } from 'vitest';
import { logStart } from '#agent/mesh/raft/log/log-reader.ts';
import { MemoryLog } from '#agent/mesh/raft/log/memory-log.ts';
import { RaftMember } from '#agent/mesh/raft/member.ts';
import { emptyRecord } from '#agent/mesh/raft/membership/membership.ts';
import type { PeerMessage } from '#agent/mesh/raft/message.ts';
import { noPeer, peerId } from '#agent/mesh/raft/peer-id.ts';
import type { CrashPoint } from '#test/simulation/raft/node.ts';
import { bytes, entriesOf, Host, ids } from '../group.ts';
import { Story } from './story.ts';

/** C1 … C8 of the checklist in this folder's README. */

const acknowledged = (from: number, term: number, index: number): PeerMessage => ({
  type: 'append-answer',
  from: peerId(from),
  to: peerId(1),
  term,
  index,
  refused: null,
});
const vote = (from: number, to: number, term: number, last = logStart): PeerMessage => ({
  type: 'vote',
  from: peerId(from),
  to: peerId(to),
  term,
  last,
  commit: logStart,
  transfer: false,
});
const append = (extra: Partial<Extract<PeerMessage, { type: 'append' }>>): PeerMessage => ({
  type: 'append',
  from: peerId(2),
  to: peerId(1),
  term: 1,
  previous: logStart,
  entries: [],
  commit: 0,
  ...extra,
});
/** A leader of so many voters, in the term after that of its log. */
function leader(voters: number, ...terms: number[]): Host {
  const host = new Host({
    voters: ids(voters),
    entries: entriesOf(...terms),
    hardState: { term: Math.max(0, ...terms), vote: noPeer, commit: 0 },
  });
  host.member.campaign();
  host.flush();
  for (let id = 2; id <= voters; id++)
    host.step({
      type: 'vote-answer',
      from: peerId(id),
      to: peerId(1),
      term: host.term,
      granted: true,
      commit: logStart,
    });
  expect(host.role).toBe('leader');
  return host;
}

test('C1: an entry of an older term is not committed by counting, only by one of the own term after it (paper, figure 8)', () => {
  const host = leader(5, 1, 2);
  expect(host.commit).toBe(0);
  for (const id of [2, 3]) host.step(acknowledged(id, host.term, 2));
  expect(host.commit).toBe(0);
  for (const id of [2, 3]) host.step(acknowledged(id, host.term, 3));
  expect(host.commit).toBe(3);
});

test('C2: an old append that comes again cuts nothing off', () => {
  const host = new Host();
  const entries = entriesOf(1, 1, 1);
  host.step(append({ entries }));
  host.step(append({ entries: entries.slice(0, 1) }));
  host.step(append({ previous: { term: 1, index: 1 } }));
  expect(host.last).toEqual({ term: 1, index: 3 });
});

test('C3: the commit index is what a majority holds, in whatever order the members answer', () => {
  for (const order of [
    [2, 3, 4, 5],
    [5, 4, 3, 2],
    [3, 5, 2, 4],
  ]) {
    const host = leader(5);
    for (let n = 0; n < 4; n++) host.member.propose(bytes(`${n}`));
    host.flush();
    const holds = new Map([
      [2, 1],
      [3, 5],
      [4, 2],
      [5, 3],
    ]);
    for (const id of order) host.step(acknowledged(id, host.term, holds.get(id)!));
    expect(host.commit).toBe(3);
  }
});

test('C4: an entry that was replaced and put back while it was written is durable when it is written again, not before', () => {
  const log = new MemoryLog();
  log.applySnapshot({ id: logStart, membership: { ...emptyRecord, voters: ids(3) }, data: bytes('') });
  const member = new RaftMember({
    id: peerId(1),
    log,
    entropy: { float: () => 0, uint32: () => 0 },
    electionTicks: 10,
    heartbeatTicks: 1,
    asyncStorage: true,
  });
  const [first, second] = [entriesOf(1), entriesOf(2)];
  member.step(append({ term: 1, entries: first }));
  const orders = [member.ready().append!];
  member.step(append({ term: 2, from: peerId(3), entries: second }));
  orders.push(member.ready().append!);
  member.step(append({ term: 3, from: peerId(2), entries: first }));
  orders.push(member.ready().append!);
  const promised = orders.map(({ responses }) =>
    responses.filter(({ to }) => to === 1).map(({ term }) => term),
  );
  expect(promised).toEqual([[1], [2], [3]]);
  const unstable: number[] = [];
  for (const { entries, responses } of orders) {
    log.append(entries);
    for (const response of responses) if (response.to === 1) member.step(response);
    member.step(append({ term: 3, commit: 1, previous: { term: 1, index: 1 } }));
    unstable.push(member.ready().committed.length);
  }
  expect(unstable).toEqual([0, 0, 1]);
});

test('C5: of two logs the one with the higher last term is newer, however short', () => {
  const host = new Host({ entries: entriesOf(1, 1, 1, 1), hardState: { term: 1, vote: noPeer, commit: 0 } });
  expect(host.step(vote(2, 1, 2, { term: 1, index: 3 }))).toMatchObject([{ granted: false }]);
  expect(host.step(vote(3, 1, 2, { term: 2, index: 1 }))).toMatchObject([{ granted: true }]);
});

test.each(['before-write', 'after-write', 'after-answers', 'after-apply'] as const)(
  'C6: a member that dies %s of a new term and vote has voted once at most in it',
  (point: CrashPoint) => {
    const story = new Story({ asyncStorage: false, guarded: false });
    const granted = new Set<number>();
    story.cluster.network.filter = (message) => {
      if (message.type === 'vote-answer' && message.from === 3 && message.granted && message.term === 7)
        granted.add(message.to);
      return true;
    };
    const voter = story.node(3);
    voter.crashAt = point;
    voter.receive(vote(1, 3, 7, { term: 1, index: 1 }));
    expect(voter.member).toBe(null);
    story.start(3);
    voter.receive(vote(2, 3, 7, { term: 1, index: 1 }));
    // After the write the vote stands, told or not; before it, it never was.
    const told = { 'before-write': [2], 'after-write': [], 'after-answers': [1], 'after-apply': [1] };
    expect([...granted]).toEqual(told[point]);
  },
);

test('C6: a candidate that others have elected leads when its own term and vote are durable, or it could lead in that term twice', () => {
  const story = new Story({ guarded: false, electionTicks: 40 });
  const candidate = story.node(1);
  candidate.disk.habits = { writeMin: 5, writeMax: 5, stalls: 0, stallMax: 0, torn: 0, losesEnd: 0 };
  candidate.ask((member) => member.campaign());
  const { term } = candidate.view!;
  story.run(2);
  expect([2, 3].map((id) => story.node(id).disk.hardState)).toMatchObject([
    { term, vote: 1 },
    { term, vote: 1 },
  ]);
  expect(candidate.disk.hardState.term).toBeLessThan(term);
  expect(candidate.view!.role).toBe('candidate');
  story.until('it leads', () => candidate.isLeader);
  expect(candidate.disk.hardState).toMatchObject({ term, vote: 1 });
});

test('C7: a leader without a quorum takes proposals up to its bound, and refuses the rest', () => {
  const story = new Story({ guarded: false, limits: { uncommittedBytesMax: 300 } });
  story.elect(1);
  story.isolate(1);
  const answers = Array.from({ length: 50 }, (_, at) => story.put(1, at + 1).wasTaken);
  expect(answers.filter(Boolean)).toHaveLength(14);
  expect(answers.slice(0, 14)).not.toContain(false);
});

test('C7: a follower whose disk stalls holds no more than its bound, and is asked once a heartbeat', () => {
  const story = new Story({ limits: { messageBytesMax: 1, inflightMessagesMax: 8, unstableBytesMax: 60 } });
  story.elect(1);
  const { disk, view } = story.node(3);
  disk.habits = { writeMin: 300, writeMax: 300, stalls: 0, stallMax: 0, torn: 0, losesEnd: 0 };
  for (let value = 1; value <= 40; value++) story.put(1, value);
  story.run(20);
  const { messages } = story.cluster.counts;
  story.run(200);
  expect(view!.log.unstable.length).toBeLessThanOrEqual(3);
  // A heartbeat each 2 ticks to each of two, its answer, and an append to the one that lags.
  expect(story.cluster.counts.messages - messages).toBeLessThanOrEqual(510);
});

test('C7: a follower with room for one entry at a time is not stormed over a network that doubles and overtakes', () => {
  const weather = {
    loss: 0,
    delayMin: 0.05,
    delayMax: 0.6,
    duplicates: 0.3,
    held: 0,
    heldMax: 0,
    ordered: false,
  };
  const limits = {
    messageBytesMax: 200,
    inflightMessagesMax: 8,
    inflightBytesMax: 1_000,
    unstableBytesMax: 1,
  };
  const story = new Story({ asyncStorage: false, weather, limits });
  story.elect(1);
  story.isolate(3);
  for (let value = 1; value <= 60; value++) story.write(1, value);
  story.heal();
  const { messages } = story.cluster.counts;
  const ticks = story.until('3 is as far as the leader', () => story.node(3).registers.read(1) === 60);
  expect((story.cluster.counts.messages - messages) / ticks).toBeLessThan(60);
});

test('C8: what only the leader and learners hold is not committed', () => {
  const story = new Story({ guarded: false });
  story.elect(1);
  const learners = [story.addLearner(1), story.addLearner(1)];
  story.crash(2, 3);
  const answer = story.put(1, 7);
  story.run(50);
  for (const id of learners)
    expect(story.node(id).disk.log.lastIndex()).toBe(story.node(1).view!.log.lastIndex());
  expect(answer.took).toBe(null);
  story.start(2, 3);
  story.until('it is committed', () => answer.took === true);
});
