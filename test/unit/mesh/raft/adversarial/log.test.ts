import { expect, test } from 'vitest';
import { Story } from './story.ts';

/** C1 … C8 of the checklist in this folder's README. */

test('C7: a follower whose disk stalls holds no more than its bound, and is asked once a heartbeat', () => {
  const story = new Story({
    limits: { messageBytesMax: 1, inflightMessagesMax: 8, unstableBytesMax: 60 },
  });
  story.elect(1);
  const { disk, view } = story.node(3);
  disk.habits = { writeMin: 300, writeMax: 300, stalls: 0, stallMax: 0, torn: 0 };
  for (let value = 1; value <= 40; value++) story.put(1, value);
  story.run(20);
  const { messages } = story.cluster.counts;
  story.run(200);
  expect(view!.log.unstable.length).toBeLessThanOrEqual(3);
  // A heartbeat each 2 ticks to each of two, its answer, and an append to the one that lags.
  expect(story.cluster.counts.messages - messages).toBeLessThanOrEqual(510);
});
