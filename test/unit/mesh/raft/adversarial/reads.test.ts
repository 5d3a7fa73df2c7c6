import { expect, test } from 'vitest';
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
