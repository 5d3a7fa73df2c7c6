import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { drawWeather } from '#test/simulation/raft/settings.ts';
import { Story } from './adversarial/story.ts';

/** A disk that loses the last of what it had synced, and a log that finds that out (README.md, Lost ends). */

interface Fates {
  doubtful: number;
  reported: number;
  ended: number;
}

/** A life in which a minority may be in doubt at a time. @throws what broke */
function live(seed: number, fates: Fates): void {
  const chance = new Prng(seed);
  const voters = chance.pick([3, 5]);
  const weather = drawWeather(chance);
  const story = new Story({ voters, weather, asyncStorage: chance.chance(0.7), snapshotEvery: 40 }, seed);
  const { cluster } = story;
  const minority = (voters - 1) / 2;
  cluster.onNote = (_, note) => {
    fates.reported += Number(note.kind === 'loss-reported');
    fates.ended += Number(note.kind === 'doubt-ended');
  };
  const inDoubt = (): number => [...cluster.nodes.values()].filter(({ disk }) => disk.doubt > 0).length;
  const acts: (() => void)[] = [
    () => {
      const { leader } = cluster;
      if (leader === undefined) return;
      for (let more = chance.below(4); more >= 0; more--)
        story.put(leader.id, story.record.length + 1, 1 + chance.below(2));
    },
    () => {
      const id = 1 + chance.below(voters);
      story.crash(id);
      if (inDoubt() < minority && story.node(id).member === null) {
        story.plainDisk(id).loseEnd(1 + chance.below(5));
        fates.doubtful += Number(story.node(id).disk.doubt > 0);
      }
    },
    () => story.start(1 + chance.below(voters)),
    () => story.start(1 + chance.below(voters)),
    () => story.isolate(1 + chance.below(voters)),
    () => story.heal(),
  ];
  for (let at = 0; at < 120; at++) {
    chance.pick(acts)();
    story.run(chance.below(8));
  }
  story.heal();
  cluster.network.weather = { ...weather, loss: 0 };
  for (let id = 1; id <= voters; id++) story.start(id);
  story.converge(2_000);
  // What was lost may have been of no leader's log: the doubt lasts until the log has grown to that length again.
  for (let more = 0; inDoubt() > 0 && more < 20; more++) {
    story.put(story.anyLeader().id, story.record.length + 1);
    story.converge();
  }
  expect(inDoubt()).toBe(0);
  expect(story.verdict).toBe('linearizable');
}

/** `SEDGE_LOST_ENDS_SEEDS=5000` for more, `SEDGE_LOST_ENDS_SEED=N` for one of them. */
const [first, count] =
  process.env['SEDGE_LOST_ENDS_SEED'] === undefined
    ? [1, Number(process.env['SEDGE_LOST_ENDS_SEEDS'] ?? 25)]
    : [Number(process.env['SEDGE_LOST_ENDS_SEED']), 1];

test('a group whose disks lose the ends of logs loses nothing that was committed, and heals', () => {
  const fates: Fates = { doubtful: 0, reported: 0, ended: 0 };
  for (let seed = first; seed < first + count; seed++) {
    try {
      live(seed, fates);
    } catch (error) {
      throw new Error(`seed ${seed}; SEDGE_LOST_ENDS_SEED=${seed} replays it`, { cause: error });
    }
  }
  if (count === 1) return;
  expect(fates.doubtful).toBeGreaterThan(count / 5);
  expect(fates.ended).toBeGreaterThan(count / 5);
  expect(fates.reported).toBeGreaterThan(count / 25);
}, 600_000);

test('a member in doubt follows the same leader again, without an election or a snapshot', () => {
  const story = new Story();
  story.elect(1);
  story.write(1, 1);
  story.isolate(3);
  const { log } = story.node(2).disk;
  const before = log.lastIndex();
  const answer = story.put(1, 2);
  story.cluster.timeline.runUntil(Infinity, () => log.lastIndex() > before);
  // 2 acknowledges, and does not hear that it is committed.
  story.cluster.network.cut(1, 2);
  story.until('it is committed', () => answer.took === true);
  story.crash(2);
  story.plainDisk(2).loseEnd(5);
  expect(story.node(2).disk.doubt).toBe(before + 1);
  const { reign } = story;
  const { snapshots } = story.cluster.counts;
  story.heal();
  story.start(2);
  story.converge();
  expect(story.reign).toBe(reign);
  expect(story.cluster.counts.snapshots).toBe(snapshots);
  expect(story.node(2).disk.doubt).toBe(0);
});

test('late answers of a member in doubt, over a network that doubles and overtakes, feed no storm', () => {
  const weather = {
    loss: 0,
    delayMin: 0.4,
    delayMax: 3.8,
    duplicates: 0.45,
    held: 0,
    heldMax: 0,
    ordered: false,
  };
  const limits = { messageBytesMax: 1, inflightMessagesMax: 8 };
  const story = new Story({ voters: 5, guarded: false, limits });
  const { cluster } = story;
  story.elect(1);
  story.run(5);
  story.crash(2, 4, 5);
  for (let value = 1; value <= 60; value++) story.put(1, value);
  const last = story.node(1).view!.log.lastIndex();
  story.until('3 holds what nobody can commit', () => story.node(3).disk.log.lastIndex() === last);
  story.crash(3);
  story.plainDisk(3).loseEnd(60);
  expect(story.plainDisk(3).doubt).toBe(last);
  cluster.network.weather = weather;
  story.start(3);
  const { messages } = cluster.counts;
  const ticks = story.until('3 is back', () => story.plainDisk(3).doubt === 0);
  expect((cluster.counts.messages - messages) / ticks).toBeLessThan(60);
});
