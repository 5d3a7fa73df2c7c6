import { describe, expect, test } from 'vitest';
import { isChangeKind } from '#agent/mesh/raft/entry.ts';
import { logStart } from '#agent/mesh/raft/log/log-reader.ts';
import type { PeerMessage } from '#agent/mesh/raft/message.ts';
import { noPeer, peerId } from '#agent/mesh/raft/peer-id.ts';
import { promotableLearners } from '#agent/mesh/raft/promotion.ts';
import type { SimNode } from '#test/simulation/raft/node.ts';
import { Host, ids } from '../group.ts';
import { addLearner, addVoter, remove, Story } from './story.ts';

/** M1 … M9 of the checklist in this folder's README. */

const kindsIn = ({ view, disk }: SimNode): string[] => {
  const { log } = disk;
  const durable = log.entries(log.firstIndex(), log.lastIndex() + 1, Infinity)!;
  return [...durable, ...view!.log.unstable.entries].map(({ kind }) => kind);
};

test('M1: a new leader changes nobody while it has entries of other terms that are not applied: a change may be among them', () => {
  const story = new Story({ voters: 4 });
  story.elect(2);
  story.cluster.network.filter = ({ type }) => type === 'append-answer';
  story.put(2, 7);
  story.until('all hold it', () =>
    [1, 3, 4].every((id) => kindsIn(story.node(id)).length === kindsIn(story.node(2)).length),
  );
  story.crash(2);
  story.until('another leads', () => story.cluster.leader !== undefined);
  const { id } = story.cluster.leader!;
  story.change(id, [remove(2)]);
  expect(kindsIn(story.node(id)).at(-1)).toBe('refused-change');
  story.cluster.network.filter = () => false;
  story.converge();
  expect(story.cluster.newest.membership.voters).toHaveLength(4);
});

test('M1: of two leaders that each remove a member, one at most gets its way', () => {
  const story = new Story({ voters: 4 });
  story.elect(1);
  story.isolate(1);
  story.change(1, [remove(2)]);
  story.until('another leads', () => story.cluster.leader !== story.node(1));
  const second = story.anyLeader();
  story.change(second.id, [remove(1)]);
  story.until('1 is out', () => !story.cluster.isMember(1));
  story.heal();
  story.run(100);
  expect(story.cluster.newest.membership.voters).toEqual([2, 3, 4]);
});

test('M2: a member that has not applied a committed change does not stand for election', () => {
  const story = new Story();
  story.elect(1);
  story.node(2).applyMax = 10_000;
  story.node(3).applyMax = 10_000;
  story.cluster.add(4);
  story.start(4);
  story.change(1, [addLearner(4)]);
  story.until('1 has applied the change', () => story.cluster.isMember(4));
  story.until('2 and 3 know that it is committed', () =>
    [2, 3].every((id) => story.node(id).view!.log.committed === story.node(1).view!.log.committed),
  );
  const kept = new Set<number>();
  story.cluster.onNote = (node, note) => note.kind === 'campaign-before-change-applied' && kept.add(node.id);
  const { elections } = story.cluster.counts;
  story.crash(1);
  story.run(100);
  expect([...kept].sort((a, b) => a - b)).toEqual([2, 3]);
  expect(story.cluster.counts.elections).toBe(elections);
});

test('M3: a learner that was promoted and does not know it votes', () => {
  const story = new Story({ voters: 1 });
  story.elect(1);
  const learner = story.addLearner(1);
  story.isolate(learner);
  story.change(1, [addVoter(learner)]);
  story.until('it is promoted', () => story.node(1).registers.membership.voters.length === 2);
  story.restart(1);
  story.heal();
  expect(story.node(learner).registers.membership.voters).toEqual([1]);
  story.until('1 leads', () => story.node(1).isLeader);
  expect(story.converge().registers.membership.voters).toEqual([1, learner]);
});

test.each([true, false])(
  'M3: a learner in a higher term frees a leader of a lower one (pre-vote and check-quorum: %s)',
  (guarded) => {
    const story = new Story({ voters: 3, guarded });
    story.elect(1);
    const learner = story.addLearner(1);
    story.isolate(learner);
    // From an election that came to nothing.
    story.node(learner).ask((member) =>
      member.step({
        type: 'heartbeat',
        from: story.node(2).id,
        to: member.id,
        term: 30,
        commit: 0,
        readMark: 0,
      }),
    );
    story.run(1);
    story.heal();
    story.converge();
    expect(story.node(learner).view!.term).toBeGreaterThanOrEqual(30);
  },
);

describe('M4: one change is under way at a time', () => {
  test('a second one takes its place in the log as refused', () => {
    const story = new Story({ voters: 4 });
    story.elect(1);
    story.change(1, [remove(4)]);
    story.change(1, [remove(3)]);
    expect(kindsIn(story.node(1)).slice(-2)).toEqual(['change', 'refused-change']);
    story.run(20);
    expect(story.cluster.newest.membership.voters).toEqual([1, 2, 3]);
  });

  test('a joint phase that a new leader found uncommitted is committed before it is left', () => {
    const story = new Story();
    story.elect(1);
    story.cluster.network.filter = ({ type, from }) => type === 'append-answer' && from !== 1;
    story.change(1, [addLearner(3), remove(2)], 'explicit');
    story.until('2 and 3 hold the change', () =>
      [2, 3].every((id) => kindsIn(story.node(id)).includes('change')),
    );
    story.crash(1);
    story.until('2 or 3 leads', () => story.cluster.leader !== undefined);
    const { id } = story.cluster.leader!;
    story.leave(id);
    expect(kindsIn(story.node(id)).at(-1)).toBe('refused-change');
    story.cluster.network.filter = () => false;
    story.start(1);
    story.until('the joint phase is on', () => story.cluster.newest.membership.votersOutgoing.length === 3);
    story.leave(story.anyLeader().id);
    story.until('it is left', () => story.cluster.newest.membership.votersOutgoing.length === 0);
    expect(story.cluster.newest.membership).toMatchObject({ voters: [1], learners: [3] });
    story.converge();
  });
});

test('M4: a joint phase that ends by itself ends also when a transfer stood in the way, though nobody writes any more', () => {
  const story = new Story({ voters: 4 });
  story.elect(1);
  story.isolate(3);
  story.change(1, [remove(4), addLearner(5)], 'implicit');
  // To one that cannot hear it: nothing is proposed until it is given up.
  story.node(1).ask((member) => member.transferLeader(peerId(3)));
  story.until('the joint phase is on', () => story.cluster.newest.membership.voters.length === 3);
  story.until('it has ended', () => story.cluster.newest.membership.votersOutgoing.length === 0);
});

describe('M5: members come and go', () => {
  test('a leader that removed itself before anybody heard it was committed does not leave the rest without one', () => {
    const story = new Story({ voters: 2 });
    const leader = story.elect(1);
    const change = leader.view!.log.lastIndex() + 1;
    // 2 gets the change, but neither the news that it is committed nor what follows it.
    story.cluster.network.filter = (message) =>
      message.from === 1 &&
      ((message.type === 'append' &&
        (message.commit >= change || message.entries.some(({ index }) => index > change))) ||
        (message.type === 'heartbeat' && message.commit >= change));
    story.change(1, [remove(1)]);
    story.put(1, 7);
    story.until('1 has left', () => !leader.isLeader);
    story.cluster.network.filter = () => false;
    expect(leader.disk.log.lastIndex()).toBeGreaterThan(story.node(2).disk.log.lastIndex());
    story.until('2 leads alone', () => story.node(2).isLeader);
    expect(story.cluster.newest.membership.voters).toEqual([2]);
  });

  test('three become five and three again, with a kill and a partition in between, and no acknowledged write is lost', () => {
    const story = new Story({ snapshotEvery: 5, keepBehind: 1 });
    story.elect(1);
    story.write(1, 1);
    const added = [story.addLearner(1), story.addLearner(1)];
    story.crash(3);
    for (const id of added) story.promote(1, id);
    story.write(1, 2);
    story.isolate(1, 2);
    story.put(1, 3);
    story.start(3);
    story.until('the majority elects', () => [3, ...added].some((id) => story.node(id).isLeader));
    const leader = story.anyLeader();
    story.write(leader.id, 4);
    story.change(leader.id, [remove(1), remove(2)]);
    story.until('two have gone', () => story.cluster.newest.membership.voters.length === 3);
    story.heal();
    const last = story.converge();
    story.until('the joint phase is over', () => story.cluster.newest.membership.votersOutgoing.length === 0);
    expect(story.read(last.id)).toBe(4);
    expect(story.verdict).toBe('linearizable');
  });
});

test('M6: a member that cannot be reached joins as a learner, holds nobody up, and is not to be promoted', () => {
  const story = new Story();
  story.elect(1);
  story.cluster.add(4);
  story.change(1, [addLearner(4)]);
  story.write(1, 7);
  story.crash(3);
  story.write(1, 8);
  const promotable = (): number[] => promotableLearners(story.node(1).member!.status(), 0);
  story.run(30);
  expect(promotable()).toEqual([]);
  story.start(4);
  story.until('4 may be promoted', () => promotable().includes(4));
});

test('M7: a membership outlives two compactions and a restart of everybody', () => {
  const story = new Story({ snapshotEvery: 2, keepBehind: 0, checkpoints: 0 });
  story.elect(1);
  const fourth = story.addLearner(1);
  for (let value = 1; value <= 6; value++) story.write(1, value);
  story.promote(1, fourth);
  for (let value = 7; value <= 12; value++) story.write(1, value);
  const { voters } = story.cluster.newest.membership;
  const log = story.node(1).disk.log;
  const held = log.entries(log.firstIndex(), log.lastIndex() + 1, Infinity)!;
  expect(held.some(({ kind }) => isChangeKind(kind))).toBe(false);
  story.crash(1, 2, 3, fourth);
  story.start(1, 2, 3, fourth);
  expect(story.converge().registers.membership.voters).toEqual(voters);
  expect(story.node(fourth).member!.membership().voters).toEqual([1, 2, 3, fourth]);
});

test('M8: a member whose disk was lost comes back under a new id, and what only it and one other held is not lost', () => {
  const story = new Story();
  story.elect(1);
  story.isolate(2);
  story.write(1, 7);
  story.crash(3);
  story.plainDisk(3).damaged = true;
  expect(story.cluster.start(3)).toBe(false);
  expect(() => story.cluster.add(3)).toThrow(/used once for all time/);
  story.heal();
  story.write(1, 8);
  const fresh = story.addLearner(1);
  story.promote(1, fresh);
  story.change(1, [remove(3)]);
  story.until('3 is out', () => !story.cluster.isMember(3));
  story.crash(1);
  expect(story.read(story.anyLeader().id)).toBe(8);
  expect(story.verdict).toBe('linearizable');
});

test('M9: one joint change replaces a whole quorum, and both the old and the new agree to it', () => {
  const story = new Story();
  story.elect(1);
  story.write(1, 7);
  const fresh = [story.addLearner(1), story.addLearner(1), story.addLearner(1)];
  // The new ones alone cannot bring it about, nor the old ones.
  story.isolate(...fresh);
  story.change(1, [...fresh.map(addVoter), remove(1), remove(2), remove(3)]);
  story.run(60);
  expect(story.cluster.newest.membership.votersOutgoing).toEqual([1, 2, 3]);
  story.heal();
  story.until('the new ones are alone', () => story.cluster.newest.membership.votersOutgoing.length === 0);
  story.crash(1, 2, 3);
  const leader = story.anyLeader();
  expect(fresh).toContain(leader.id);
  expect(story.read(leader.id)).toBe(7);
});

test('M3: a learner in a higher term tells a candidate of a lower one, who needs its vote and would never learn the term', () => {
  const learner = new Host({
    voters: ids(1),
    learners: [ids(3)[2]!],
    id: 3,
    hardState: { term: 9, vote: noPeer, commit: 0 },
  });
  const request: PeerMessage = {
    type: 'vote',
    from: ids(1)[0]!,
    to: learner.member.id,
    term: 4,
    last: logStart,
    commit: logStart,
    transfer: false,
  };
  expect(learner.step(request)).toMatchObject([{ type: 'vote-answer', granted: false, term: 9 }]);
});

test('M3: a voter in a higher term tells a leader of a lower one: those it would ask itself may all have left', () => {
  const voter = new Host({ voters: ids(3), id: 2, hardState: { term: 211, vote: noPeer, commit: 0 } });
  const append: PeerMessage = {
    type: 'append',
    from: peerId(4),
    to: voter.member.id,
    term: 4,
    previous: logStart,
    entries: [],
    commit: 0,
  };
  expect(voter.step(append)).toMatchObject([{ type: 'append-answer', to: 4, term: 211 }]);
});
