import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import type { PeerMessage } from '#agent/mesh/raft/message.ts';
import { peerId } from '#agent/mesh/raft/peer-id.ts';
import { bytes, Group, text } from '#test/unit/mesh/raft/group.ts';

/** A few hundred random steps of a group on a network that loses, doubles and reorders, and then a quiet time. */
function storm(seed: number): { readonly group: Group; readonly leaders: ReadonlyMap<number, number> } {
  const chance = new Prng(seed);
  const size = chance.pick([1, 3, 3, 5]);
  const guarded = chance.chance(0.5);
  const group = Group.of(size, {
    seed,
    preVote: guarded,
    checkQuorum: guarded,
    limits: { inflightMessagesMax: 2, messageBytesMax: 40, unstableBytesMax: 200, applyingBytesMax: 60 },
  });
  const leaders = new Map<number, number>();
  let flying: PeerMessage[] = [];
  for (let at = 0; at < 400; at++) {
    const host = chance.pick(group.hosts);
    const roll = chance.float();
    if (roll < 0.25) host.member.tick();
    else if (roll < 0.35) host.member.propose(bytes(`${seed}/${at}`));
    else if (roll < 0.37) host.member.transferLeader(peerId(1 + chance.below(size)));
    else if (flying.length > 0) {
      const index = chance.chance(0.7) ? 0 : chance.below(flying.length);
      const message = flying[index]!;
      if (!chance.chance(0.05)) flying = flying.filter((_, other) => other !== index);
      if (!chance.chance(0.1)) group.hosts[message.to - 1]!.member.step(message);
    }
    for (const other of group.hosts) flying.push(...other.flush());
    flying = flying.slice(-500);
    for (const { member } of group.hosts) {
      const { softState, hardState } = member.status();
      if (softState.role !== 'leader') continue;
      const known = leaders.get(hardState.term);
      if (known !== undefined && known !== member.id)
        throw new Error(`two leaders in term ${hardState.term}`);
      leaders.set(hardState.term, member.id);
    }
  }
  for (const message of flying) group.hosts[message.to - 1]!.member.step(message);
  group.settle();
  for (let round = 0; round < 80; round++) for (const { member } of group.hosts) group.tick(member.id);
  group.hosts.find((host) => host.role === 'leader')?.member.propose(bytes('last'));
  group.settle();
  return { group, leaders };
}

test('through any storm: one leader a term, one history; and in the quiet after it all agree', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seed) => {
      const { group } = storm(seed);
      const histories = group.hosts.map((host) =>
        host.applied.map(({ term, data }) => `${term}:${text(data)}`),
      );
      for (const history of histories) expect(history).toEqual(histories[0]);
      expect(histories[0]!.at(-1)).toMatch(/:last$/);
    }),
    { numRuns: 40, seed: 1 },
  );
});

test('the same seed gives the same run', () => {
  const run = (seed: number): string => JSON.stringify(storm(seed).group.trace);
  expect(run(7)).toBe(run(7));
  expect(run(7)).not.toBe(run(8));
});
