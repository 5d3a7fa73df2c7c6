import fc from 'fast-check';
import { expect, test } from 'vitest';
import { peerId, type PeerId } from '#agent/mesh/raft/peer-id.ts';
import { committedByJoint, voteByJoint } from '#agent/mesh/raft/quorum/joint.ts';
import { committedByMajority, majoritySize, voteByMajority } from '#agent/mesh/raft/quorum/majority.ts';
import { committedByCounting } from '#test/conformance/mesh/raft/committed-by-counting.ts';

const member = fc.integer({ min: 1, max: 12 }).map(peerId);
const members = fc.uniqueArray(member, { maxLength: 9 }).map((list) => new Set(list));
const acknowledged = fc
  .array(fc.tuple(member, fc.integer({ min: 0, max: 8 })), { maxLength: 12 })
  .map((list) => new Map<PeerId, number>(list));
const votes = fc
  .array(fc.tuple(member, fc.boolean()), { maxLength: 12 })
  .map((list) => new Map<PeerId, boolean>(list));

test('the committed index of a majority is what counting finds', () => {
  fc.assert(
    fc.property(members, acknowledged, (set, acks) => {
      const of = (id: PeerId): number | undefined => acks.get(id);
      expect(committedByMajority(set, of)).toBe(committedByCounting(set, of));
    }),
    { numRuns: 2_000 },
  );
});

test('two halves commit what the slower commits, in whichever order', () => {
  fc.assert(
    fc.property(members, members, acknowledged, (incoming, outgoing, acks) => {
      const of = (id: PeerId): number | undefined => acks.get(id);
      const both = committedByJoint({ incoming, outgoing }, of);
      expect(both).toBe(Math.min(committedByCounting(incoming, of), committedByCounting(outgoing, of)));
      expect(both).toBe(committedByJoint({ incoming: outgoing, outgoing: incoming }, of));
    }),
  );
});

test('a vote that is decided stays decided, whoever votes later', () => {
  fc.assert(
    fc.property(members, members, votes, member, fc.boolean(), (incoming, outgoing, cast, id, granted) => {
      const before = voteByJoint({ incoming, outgoing }, cast);
      const after = voteByJoint({ incoming, outgoing }, cast.has(id) ? cast : new Map(cast).set(id, granted));
      if (before !== 'pending') expect(after).toBe(before);
    }),
    { numRuns: 1_000 },
  );
});

test('a majority is won with half and one more, and lost when that can no longer come', () => {
  fc.assert(
    fc.property(members, votes, (set, cast) => {
      fc.pre(set.size > 0);
      const granted = [...set].filter((id) => cast.get(id) === true).length;
      const rejected = [...set].filter((id) => cast.get(id) === false).length;
      const expected =
        granted * 2 > set.size ? 'won' : rejected > set.size - majoritySize(set.size) ? 'lost' : 'pending';
      expect(voteByMajority(set, cast)).toBe(expected);
    }),
    { numRuns: 1_000 },
  );
});
