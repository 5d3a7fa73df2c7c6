import { expect, test } from 'vitest';
import { remove, Story } from './story.ts';

/** D1 … D6 of the checklist in this folder's README. */

test.each([1, 2, 3, 4, 5, 6])(
  'D1: power fails everywhere at once, what was not synced is gone, and every acknowledged write is there (draw %i)',
  (seed) => {
    const story = new Story(
      {
        disk: { writeMin: 0.3, writeMax: 0.9, stalls: 0, stallMax: 0, torn: 1, losesEnd: 0 },
        checkpoints: 0.1,
        electionTicks: 20,
      },
      seed,
    );
    story.elect(1);
    for (let value = 1; value <= 30; value++) {
      if (value % 3 === 0) story.run(1);
      story.put(1, value);
    }
    const written = story.record.filter(({ result }) => result.took === true).length;
    story.crash(1, 2, 3);
    story.start(1, 2, 3);
    const value = story.read(story.anyLeader().id);
    expect(value).toBeGreaterThanOrEqual(written);
    expect(story.verdict).toBe('linearizable');
  },
);

test('D2: bits flip on a minority: those members speak to nobody, and others take their places', () => {
  const story = new Story({ voters: 5, snapshotEvery: 3, keepBehind: 0 });
  story.elect(1);
  for (let value = 1; value <= 5; value++) story.write(1, value);
  story.crash(4, 5);
  const { messages } = story.cluster.counts;
  for (const id of [4, 5]) {
    story.plainDisk(id).damaged = true;
    expect(story.cluster.start(id)).toBe(false);
  }
  expect(story.cluster.counts.messages).toBe(messages);
  const fresh = [story.addLearner(1), story.addLearner(1)];
  for (const id of fresh) story.promote(1, id);
  for (const id of [4, 5]) {
    story.change(1, [remove(id)]);
    story.until('it has gone', () => !story.cluster.isMember(id));
  }
  story.crash(1, 2);
  expect(story.read(story.anyLeader().id)).toBe(5);
});

test('D3: a leader whose disk is full stands down, and serves again when there is room', () => {
  const story = new Story();
  story.elect(1);
  story.write(1, 7);
  story.node(1).disk.fullUntil = story.cluster.now + 100;
  story.put(1, 8);
  expect(story.node(1).member).toBe(null);
  expect(story.cluster.start(1)).toBe(true);
  story.until('another leads', () => story.node(2).isLeader || story.node(3).isLeader);
  story.write(story.anyLeader().id, 9);
  story.run(100);
  story.start(1);
  story.converge();
  expect(story.read(1)).toBe(9);
  expect(story.verdict).toBe('linearizable');
});

test('D4: a write that failed is not tried again: the member starts anew from what the disk holds', () => {
  const story = new Story({ asyncStorage: false });
  story.elect(1);
  story.write(1, 7);
  const follower = story.node(2);
  const { member } = follower;
  follower.disk.fullUntil = story.cluster.now + 1;
  const answer = story.put(1, 8);
  story.until('the write fails', () => follower.member === null);
  story.run(2);
  story.start(2);
  expect(follower.member).not.toBe(member);
  story.until('it is written', () => answer.took === true);
  story.converge();
  expect(story.read(2)).toBe(8);
});

test('D5: a member whose disk was set back to an older copy is stopped by the first word of the leader that knew more of it', () => {
  const story = new Story();
  story.elect(1);
  story.write(1, 7);
  const putBack = story.plainDisk(3).copy();
  for (let value = 8; value <= 12; value++) story.write(1, value);
  story.run(5);
  story.crash(3);
  putBack();
  story.start(3);
  expect(() => story.run(20)).toThrow(/was the log damaged or lost\?/);
  expect(story.node(3).registers.read(1)).toBe(7);
});

test('D6: writes that stall for a whole election timeout now and then cost time, and nothing that was acknowledged', () => {
  const story = new Story({
    disk: { writeMin: 0.1, writeMax: 0.3, stalls: 0.1, stallMax: 20, torn: 1, losesEnd: 0 },
    electionTicks: 20,
  });
  story.elect(1);
  for (let value = 1; value <= 40; value++) {
    const leader = story.cluster.leader;
    if (leader !== undefined) story.put(leader.id, value);
    story.run(5);
    for (const node of story.cluster.nodes.values())
      if (node.member === null && story.cluster.now >= node.downUntil) story.start(node.id);
  }
  for (const node of story.cluster.nodes.values()) story.start(node.id);
  const written = story.record.filter(({ result }) => result.took === true);
  expect(written.length).toBeGreaterThan(20);
  story.read(story.anyLeader().id);
  expect(story.verdict).toBe('linearizable');
});
