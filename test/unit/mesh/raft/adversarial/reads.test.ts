import { expect, test } from 'vitest';
import { remove, Story } from './story.ts';
import { bytes, entriesOf, Host, ids } from '../group.ts';

/** R1 … R7 of the checklist in this folder's README. */

test('R1: the only voter, restarted with a stale commit index, serves no read before it has committed in its term', () => {
  const host = new Host({
    voters: ids(1),
    entries: entriesOf(1, 1, 1),
    hardState: { term: 1, vote: ids(1)[0]!, commit: 1 },
  });
  host.member.campaign();
  const ready = host.member.ready();
  host.log.setHardState(ready.hardState!);
  host.member.advance();
  expect(host.role).toBe('leader');
  host.member.readIndex(bytes('read'));
  host.flush();
  expect(host.reads.map(({ index }) => index)).toEqual([4]);
});

test('R1: a leader that was removed and stays, as a group may want it, serves no read without the one voter that is left', () => {
  const story = new Story({ voters: 2, guarded: false, stepDownOnRemoval: false });
  story.elect(1);
  story.write(1, 7);
  story.change(1, [remove(1)]);
  story.until('1 is removed', () => story.node(1).registers.membership.voters.length === 1);
  expect(story.node(1).isLeader).toBe(true);
  story.isolate(1);
  story.until('2 leads too', () => story.node(2).isLeader);
  story.write(2, 8);
  const answer = story.ask(1);
  story.run(50);
  expect(answer.value).not.toBe(7);
  expect(story.verdict).toBe('linearizable');
});
