import { describe, expect, test } from 'vitest';
import { assert } from '#agent/base/assert.ts';
import { LogDisk } from '#test/simulation/raft/log-disk.ts';
import { Story } from './story.ts';

/** D7 … D11 of the checklist in this folder's README: members over the production log, on a device that fails. */

const overLog = (): Story => {
  const story = new Story({ storage: 'log', checkpoints: 1 });
  story.until('the logs are read', () => story.cluster.running.length === 3);
  story.elect(1);
  for (let value = 1; value <= 5; value++) story.write(1, value);
  story.run(5);
  return story;
};

const diskOf = (story: Story, id: number): LogDisk => {
  const { disk } = story.node(id);
  assert(disk instanceof LogDisk, 'it is over the log');
  return disk;
};

/** The process of `id` ends, what `act` does befalls its disk, and it starts again. */
const befall = (story: Story, id: number, act: (disk: LogDisk) => void): void => {
  story.crash(id);
  act(diskOf(story, id));
  story.start(id);
};

const serves = (story: Story, value: number): void => {
  story.converge();
  story.write(story.cluster.leader!.id, value);
  story.converge();
  for (const id of [1, 2, 3]) expect(story.node(id).registers.read(1)).toBe(value);
  expect(story.verdict).toBe('linearizable');
};

test('D7: a log damaged below its commit stops its member until a snapshot of another has healed it, in a group where nobody writes', () => {
  const story = overLog();
  befall(story, 3, (disk) => disk.device.flipEntry(2));
  story.until('the damage is found', () => story.cluster.counts.damages === 1);
  expect(story.node(3).member).toBe(null);
  story.until('it is healed', () => story.cluster.counts.heals === 1);
  serves(story, 9);
});

test('D7: a member that acknowledged more than the group has committed is healed by less, and votes when the log is as long again', () => {
  const story = overLog();
  story.isolate(2);
  story.isolate(3);
  const { leader } = story.cluster;
  const last = leader!.view!.log.lastIndex();
  // Only the leader ever holds these: it acknowledges them to itself.
  for (let value = 6; value <= 9; value++) story.put(1, value);
  story.until('they are on its disk', () => diskOf(story, 1).log.lastIndex() === last + 4);
  befall(story, 1, (disk) => disk.device.flipEntry(2));
  story.heal();
  story.until('it is healed', () => story.cluster.counts.heals === 1);
  story.until('others lead', () => story.cluster.leader !== undefined && !story.node(1).isLeader);
  story.converge();
  expect(diskOf(story, 1).doubt).toBe(last + 4);
  for (let value = 10; value <= 14; value++) story.write(story.anyLeader().id, value);
  story.converge();
  expect(diskOf(story, 1).doubt).toBe(0);
  serves(story, 20);
});

test('D8: what was applied and then lost from the log starts no member; a snapshot of another brings it back', () => {
  const story = overLog();
  const disk = diskOf(story, 3);
  const last = disk.log.lastIndex();
  // Its last commit index is on no disk yet when the power goes.
  story.crash(3);
  const { commit } = disk.hardState;
  disk.registers = story.node(1).registers.clone();
  for (let index = commit + 1; index <= last; index++) disk.device.loseEntry(index);
  disk.device.loseEntry(last);
  story.start(3);
  story.until('it is back', () => story.node(3).member !== null);
  serves(story, 9);
});

test.each(['fullUntil', 'failingUntil'] as const)(
  'D9: a leader whose device fails (%s) stands back by itself, and its member is back when the device is, without a restart',
  (fault) => {
    const story = overLog();
    const disk = diskOf(story, 1);
    disk[fault] = story.cluster.now + 60;
    story.put(1, 6);
    story.until('it stands back', () => story.node(1).member === null);
    expect(story.node(1).isUp).toBe(true);
    story.until('another leads', () => story.node(2).isLeader || story.node(3).isLeader);
    story.write(story.anyLeader().id, 7);
    story.until('the device is back', () => story.cluster.now > disk[fault]);
    story.until('its member is too', () => story.node(1).member !== null);
    expect(story.cluster.counts.crashes).toBe(0);
    serves(story, 8);
  },
);

describe('D10: of term and vote', () => {
  test('one copy that is damaged is told by the other', () => {
    const story = overLog();
    befall(story, 3, (disk) => disk.device.flip('ballot'));
    serves(story, 9);
    expect(story.cluster.counts.damages).toBe(0);
  });

  test('the head lost: its member never comes back under its id', () => {
    const story = overLog();
    befall(story, 3, (disk) => void disk.device.flip('head'));
    story.until('it is found', () => story.node(3).quarantined);
    expect(story.cluster.start(3)).toBe(false);
    story.write(1, 9);
  });
});

test('D11: a write torn in the midst leaves a log that is whole, or says what it lacks', () => {
  const seen = { whole: 0, inDoubt: 0 };
  for (let seed = 1; seed <= 12; seed++) {
    const story = new Story(
      { storage: 'log', disk: { writeMin: 2, writeMax: 3, stalls: 0, stallMax: 0, torn: 1, losesEnd: 0 } },
      seed,
    );
    story.until('the logs are read', () => story.cluster.running.length === 3);
    story.elect(1);
    story.write(1, 1);
    // Entries of a leader that nobody hears any more, to be replaced on its own disk.
    story.isolate(1);
    for (let value = 2; value <= 6; value++) story.put(1, value);
    story.run(3);
    story.until('another leads', () => story.node(2).isLeader || story.node(3).isLeader);
    const other = story.node(2).isLeader ? 2 : 3;
    story.write(other, 7);
    story.heal();
    story.until(
      'its entries are being replaced',
      () => story.node(1).view!.term > 2 && diskOf(story, 1).waiting > 0,
    );
    story.cluster.crash(1, { mayTear: true });
    story.start(1);
    story.until('its log is read', () => story.node(1).member !== null);
    seen[diskOf(story, 1).doubt > 0 ? 'inDoubt' : 'whole']++;
    serves(story, 9);
  }
  expect(seen.whole).toBeGreaterThan(0);
  expect(seen.inDoubt).toBeGreaterThan(0);
});
