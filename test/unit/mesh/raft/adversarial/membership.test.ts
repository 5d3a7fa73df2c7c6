import { expect, test } from 'vitest';
import { remove, Story } from './story.ts';

/** M1 … M9 of the checklist in this folder's README. */

test('M5: a leader that removed itself before anybody heard it was committed does not leave the rest without one', () => {
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

test.each([true, false])(
  'M3: a member in a higher term that may not stand for election frees a leader of a lower one (guarded: %s)',
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
