import { expect, test } from 'vitest';
import { logStart } from '#agent/mesh/raft/log/log-reader.ts';
import type { PeerMessage } from '#agent/mesh/raft/message.ts';
import { peerId } from '#agent/mesh/raft/peer-id.ts';
import { Host } from '../group.ts';
import { remove, Story } from './story.ts';

/** E1 … E10 of the checklist in this folder's README. */

const ask = (type: 'vote' | 'pre-vote', from: number, term: number, last = logStart): PeerMessage => ({
  type,
  from: peerId(from),
  to: peerId(1),
  term,
  last,
  commit: logStart,
  transfer: false,
});

test('E1: a member that comes back from a long partition does not depose the leader', () => {
  const story = new Story();
  story.elect(1);
  const { reign } = story;
  story.isolate(3);
  story.run(300);
  story.heal();
  story.converge();
  expect(story.reign).toBe(reign);
});

test('E2: a granted pre-vote carries the term that was asked for, so that a stale member can help a newer one to office', () => {
  const host = new Host({ preVote: true, checkQuorum: true });
  expect(host.step(ask('pre-vote', 2, 6))).toMatchObject([
    { type: 'pre-vote-answer', granted: true, term: 6 },
  ]);
  expect(host.term).toBe(0);
  const story = new Story();
  story.elect(1);
  story.isolate(3);
  story.elect(2);
  story.elect(1);
  story.heal();
  story.crash(1);
  expect(story.anyLeader().id).not.toBe(1);
});

test('E3: of a member of a higher term with a short log and one of a lower term with a long log, the latter leads in the end', () => {
  const story = new Story();
  story.elect(1);
  story.isolate(3);
  story.run(40);
  story.write(1, 7);
  story.crash(1);
  const stale = story.node(3);
  // From an election that came to nothing.
  stale.ask((member) => member.step({ ...ask('vote', 1, 9), to: member.id }));
  expect(stale.view!.term).toBe(9);
  story.heal();
  story.until('2 leads', () => story.node(2).isLeader);
  expect(story.read(2)).toBe(7);
});

test('E4: a pre-vote moves neither the vote nor the clock of the election, and is no vote', () => {
  const host = new Host({
    preVote: true,
    checkQuorum: false,
    hardState: { term: 5, vote: peerId(2), commit: 0 },
  });
  host.member.setElectionTimeout(10);
  const sent = Array.from({ length: 10 }, () => [...host.tick(), ...host.step(ask('pre-vote', 3, 6))]).flat();
  expect(sent.filter(({ type }) => type === 'pre-vote')).toHaveLength(2);
  expect(host.member.status().hardState).toMatchObject({ term: 5, vote: 2 });
  const answer = (type: 'vote-answer' | 'pre-vote-answer', term: number): PeerMessage => ({
    type,
    from: peerId(2),
    to: peerId(1),
    term,
    granted: true,
    commit: logStart,
  });
  host.step(answer('vote-answer', 5));
  expect(host.role).toBe('pre-candidate');
  host.step(answer('pre-vote-answer', 6));
  expect(host.role).toBe('candidate');
  host.step(answer('pre-vote-answer', 6));
  expect(host.role).toBe('candidate');
});

test('E5: a candidate that yields to the leader of its term has still voted', () => {
  const host = new Host();
  host.member.campaign();
  host.flush();
  const { term } = host;
  host.step({ type: 'heartbeat', from: peerId(2), to: peerId(1), term, commit: 0, readMark: 0 });
  expect(host.role).toBe('follower');
  expect(host.member.status().hardState.vote).toBe(1);
  host.member.forgetLeader();
  expect(host.step(ask('vote', 3, term))).toMatchObject([{ type: 'vote-answer', granted: false }]);
});

test('E6: a leader that is heard and cannot hear stands down, and another takes over', () => {
  const story = new Story();
  story.elect(1);
  for (const other of [2, 3]) story.cluster.network.cut(other, 1);
  story.until('1 has stood down', () => !story.node(1).isLeader);
  story.until('another leads', () => story.node(2).isLeader || story.node(3).isLeader);
});

test('E7: a leader whose disk stalls stands down, and the group goes on without it', () => {
  const story = new Story();
  story.elect(1);
  story.node(1).disk.habits = { writeMin: 500, writeMax: 500, stalls: 0, stallMax: 0, torn: 0, losesEnd: 0 };
  story.put(1, 7);
  story.until('another leads', () => story.node(2).isLeader || story.node(3).isLeader);
  story.write(story.anyLeader().id, 8);
  expect(story.verdict).toBe('linearizable');
});

test('E8: a follower that was started anew does not wait for a leader for ever', () => {
  const story = new Story();
  story.elect(1);
  story.crash(1, 2, 3);
  story.start(2, 3);
  story.anyLeader();
});

test('E9: the campaigns of a removed member that does not know are passed over', () => {
  const story = new Story({ voters: 4 });
  story.elect(1);
  story.isolate(4);
  story.change(1, [remove(4)]);
  story.until('4 is removed', () => !story.cluster.isMember(4));
  const { reign } = story;
  story.heal();
  story.run(300);
  expect(story.node(4).view!.role).not.toBe('leader');
  expect(story.reign).toBe(reign);
});

test('E10: a member that cannot win and asks all the time does not keep the others from electing', () => {
  const story = new Story({ voters: 5 });
  story.elect(1);
  story.isolate(5);
  story.write(1, 7);
  story.heal();
  story.crash(1);
  for (let tick = 0; tick < 100; tick++) {
    story.node(5).ask((member) => member.campaign());
    story.run(1);
  }
  expect([2, 3, 4]).toContain(story.anyLeader().id);
});
