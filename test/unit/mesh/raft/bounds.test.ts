import { describe, expect, test } from 'vitest';
import { Bug } from '#agent/base/assert.ts';
import { reportNotes } from '#agent/mesh/raft/events.ts';
import { logStart } from '#agent/mesh/raft/log/log-reader.ts';
import { MemoryLog } from '#agent/mesh/raft/log/memory-log.ts';
import { RaftMember } from '#agent/mesh/raft/member.ts';
import { emptyRecord } from '#agent/mesh/raft/membership/membership.ts';
import type { Message, PeerMessage } from '#agent/mesh/raft/message.ts';
import { noPeer, peerId } from '#agent/mesh/raft/peer-id.ts';
import { promotableLearners } from '#agent/mesh/raft/promotion.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';
import { bytes, entriesOf, Group, Host, ids } from './group.ts';

const member = (
  options: Partial<ConstructorParameters<typeof RaftMember>[0]> = {},
  voters = 3,
): RaftMember => {
  const log = new MemoryLog();
  log.applySnapshot({ id: logStart, membership: { ...emptyRecord, voters: ids(voters) }, data: bytes('') });
  return new RaftMember({
    id: peerId(1),
    log,
    entropy: { float: () => 0, uint32: () => 0 },
    electionTicks: 10,
    heartbeatTicks: 1,
    ...options,
  });
};
const alone = (limits: object): Host => {
  const host = new Host({ voters: ids(1), limits });
  host.member.campaign();
  host.flush();
  return host;
};
const append = (indices: readonly number[], extra: object = {}): PeerMessage => ({
  type: 'append',
  from: peerId(2),
  to: peerId(1),
  term: 1,
  previous: { term: indices[0] === 1 ? 0 : 1, index: indices[0]! - 1 },
  entries: entriesOf(...indices.map(() => 1)).map((entry, at) => ({ ...entry, index: indices[at]! })),
  commit: 0,
  ...extra,
});

describe('bounds', () => {
  test('an entry larger than allowed is refused, not cut', () => {
    const host = alone({ entryBytesMax: 3 });
    expect(host.member.propose(bytes('four'))).toEqual({ taken: false, refusal: 'too-large' });
    expect(host.member.propose(bytes('one'))).toEqual({ taken: true });
  });

  test('a leader without a quorum takes proposals up to its bound, and again once they are applied', () => {
    const group = Group.of(3, { limits: { uncommittedBytesMax: 10 } });
    const { member: leader } = group.elect(1);
    group.isolate(1);
    const outcomes = [6, 4, 1].map((size) => leader.propose(new Uint8Array(size)).taken);
    expect(outcomes).toEqual([true, true, false]);
    group.heal();
    group.tick(1, 2);
    expect(leader.propose(bytes('x'))).toEqual({ taken: true });
  });

  test('a message carries no more than its bound, and one entry at least', () => {
    const group = Group.of(2, { limits: { messageBytesMax: 30 } });
    group.isolate(2);
    const { member: leader } = group.host(1);
    group.heal();
    group.elect(1);
    for (const size of [10, 10, 10, 100]) leader.propose(new Uint8Array(size));
    group.settle();
    const counts = group.trace.flatMap((message) =>
      message.type === 'append' ? [message.entries.length] : [],
    );
    expect(Math.max(...counts)).toBeLessThanOrEqual(2);
    expect(group.host(2).commit).toBe(5);
  });

  test('no more messages are in flight to a member than allowed', () => {
    const group = Group.of(2, { limits: { inflightMessagesMax: 2 } });
    const { member: leader } = group.elect(1);
    const sent = [1, 2, 3, 4].flatMap((n) => {
      leader.propose(bytes(`${n}`));
      return leader.hasReady ? group.host(1).flush() : [];
    });
    expect(sent.filter(({ type }) => type === 'append').length).toBe(2);
  });

  test('a follower whose disk stalls takes no more than its bound into memory, and asks for the rest later', () => {
    const follower = member({ asyncStorage: true, limits: { unstableBytesMax: 20 } });
    follower.step(append([1, 2, 3, 4, 5, 6, 7, 8]));
    const order = follower.ready().append!;
    expect(order.entries.length).toBe(2);
    follower.step(append([3, 4]));
    follower.step(append([7, 8]));
    expect(follower.hasReady).toBe(false);
    for (const response of order.responses) if (response.to === follower.id) follower.step(response);
    follower.step(append([7, 8]));
    expect(follower.ready().append?.responses).toMatchObject([{ index: 6, refused: {} }]);
  });

  test('a member that applies slower than the group commits takes no entries until it has caught up, and does not ask for more', () => {
    const follower = member({ asyncStorage: true, limits: { unappliedEntriesMax: 2 } });
    follower.step(append([1, 2, 3], { commit: 3 }));
    follower.ready();
    follower.step(append([4]));
    expect(follower.hasReady).toBe(false);
  });

  test('reads that nobody confirms pile up to their bound', () => {
    const group = Group.of(3, { limits: { readsPendingMax: 2 } });
    const { member: leader } = group.elect(1);
    group.isolate(1);
    const taken = [1, 2, 3].map((n) => leader.readIndex(bytes(`${n}`)).taken);
    expect(taken).toEqual([true, true, false]);
  });

  test('an outbox that nobody empties loses messages beyond its bound', () => {
    const host = new Host({ limits: { outboxMessagesMax: 3 } });
    for (let round = 0; round < 40; round++) host.member.tick();
    expect(host.member.ready().messages.length).toBe(3);
    expect(host.notes).toContain('message-lost-in-full-outbox');
  });
});

describe('what must be durable first', () => {
  test('an answer leaves with the order that writes what it rests on', () => {
    const follower = member({ asyncStorage: true });
    follower.step(append([1]));
    const ready = follower.ready();
    expect(ready.messages).toEqual([]);
    expect(ready.append).toMatchObject({
      hardState: { term: 1 },
      entries: [{ index: 1 }],
      responses: [{ type: 'append-answer', index: 1 }, { type: 'storage-append-done' }],
    });
  });

  test('a leader does not count itself before its own disk has answered', () => {
    const leader = member({ asyncStorage: true, preVote: false }, 1);
    leader.campaign();
    const drain = (): void => {
      const { append: order } = leader.ready();
      for (const response of order?.responses ?? []) leader.step(response);
    };
    drain();
    expect(leader.status().softState.role).toBe('leader');
    const order = leader.ready().append!;
    expect(leader.status().hardState.commit).toBe(0);
    for (const response of order.responses) leader.step(response);
    expect(leader.status().hardState.commit).toBe(1);
  });

  test('a Ready that changes a term, a vote or the log asks for a sync; a commit index alone does not', () => {
    const log = new MemoryLog();
    log.applySnapshot({ id: logStart, membership: { ...emptyRecord, voters: ids(3) }, data: bytes('') });
    const follower = member({ log });
    follower.step(append([1]));
    const first = follower.ready();
    expect(first.mustSync).toBe(true);
    log.append(first.entries);
    follower.advance();
    follower.step({ type: 'heartbeat', from: peerId(2), to: peerId(1), term: 1, commit: 1, readMark: 0 });
    const { hardState, mustSync } = follower.ready();
    expect([hardState?.commit, mustSync]).toEqual([1, false]);
  });

  test('a second Ready before the first is advanced is a bug of the host', () => {
    const follower = member();
    follower.step(append([1]));
    follower.ready();
    expect(() => follower.ready()).toThrow(Bug);
  });

  test('a heartbeat that commits beyond the log means the log was lost, and stops the member', () => {
    const follower = member();
    const beyond = {
      type: 'heartbeat',
      from: peerId(2),
      to: peerId(1),
      term: 1,
      commit: 9,
      readMark: 0,
    } as const;
    expect(() => follower.step(beyond)).toThrow('was the log damaged or lost');
  });
});

describe('what is not taken in', () => {
  test('appends with holes, local events from the network, answers from strangers, messages of no term', () => {
    const one = member();
    one.step(append([1]));
    const torn = append([2, 4]);
    const risen = append([2], { term: 1, entries: [{ ...entriesOf(1, 7)[1]! }] });
    const refusals = [
      torn,
      risen,
      { type: 'campaign', from: peerId(2), to: peerId(1), term: 0 },
      { type: 'forget-leader', from: peerId(2), to: peerId(1), term: 0 },
      { type: 'vote-answer', from: peerId(9), to: peerId(1), term: 1, granted: true, commit: logStart },
      { type: 'snapshot', from: peerId(2), to: peerId(1), term: 0 },
    ].map((message) => one.step(message as Message));
    expect(refusals.map((outcome) => !outcome.taken && outcome.refusal)).toEqual([
      'malformed',
      'malformed',
      'local-message',
      'local-message',
      'unknown-peer',
      'malformed',
    ]);
  });

  test('a change that would leave no voter is refused when it is proposed', () => {
    const host = alone({});
    const steps = [{ action: 'remove', peer: peerId(1) }] as const;
    host.member.proposeChange({ form: 'single', transition: 'auto', steps, context: bytes('') });
    host.flush();
    expect([host.role, host.applied.at(-1)!.kind]).toEqual(['leader', 'refused-change']);
  });

  test('a member starts with options that contradict each other only over a bug report', () => {
    expect(() => member({ electionTicks: 1 })).toThrow(Bug);
    expect(() => member({ readMode: 'lease', checkQuorum: false })).toThrow(Bug);
    expect(() => member({ id: noPeer })).toThrow(Bug);
  });
});

test('a learner may be promoted once it follows closely', () => {
  const group = new Group([1, 2].map(() => ({ voters: ids(1), learners: [peerId(2)] })));
  group.isolate(2);
  group.elect(1);
  for (const data of ['a', 'b', 'c']) group.propose(1, data);
  expect(promotableLearners(group.host(1).member.status(), 1)).toEqual([]);
  group.heal();
  group.tick(1, 2);
  expect(promotableLearners(group.host(1).member.status(), 1)).toEqual([2]);
});

test('notes become a counter each, and a line where somebody should know', () => {
  const telemetry = new SilentTelemetry();
  const one = member({ observe: reportNotes(telemetry), preVote: false }, 1);
  one.campaign();
  one.ready();
  one.advance();
  expect(telemetry.events.map(({ event }) => event)).toContain('raft.became-leader');
  expect(telemetry.counts.get('raft_events')).toBeGreaterThan(4);
});

test('the ticks until a member acts by itself are told', () => {
  const one = member();
  expect(one.ticksUntilDue()).toBe(10);
  one.tick();
  expect(one.ticksUntilDue()).toBe(9);
});
