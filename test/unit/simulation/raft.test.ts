import { describe, expect, test } from 'vitest';
import type { Entry } from '#agent/mesh/raft/entry.ts';
import { peerId } from '#agent/mesh/raft/peer-id.ts';
import { runChaos } from '#test/simulation/raft/chaos.ts';
import { Cluster } from '#test/simulation/raft/cluster.ts';
import { Story } from '#test/unit/mesh/raft/adversarial/story.ts';

describe('chaos', () => {
  test.each([3, 5, 7])('of %i members leaves two seeds clean', (voters) => {
    for (let seed = 1; seed <= 2; seed++) {
      const report = runChaos({ seed, voters });
      expect(report.voters).toBe(voters);
    }
  });

  test('of one seed is the same run twice, and of another seed a different one', () => {
    const traces = [7, 7, 8].map((seed) => runChaos({ seed, voters: 3 }).trace);
    expect(traces[1]).toBe(traces[0]);
    expect(traces[2]).not.toBe(traces[0]);
  });

  test.each(['plain', 'log'] as const)('over %s disks is the same run twice, too', (storage) => {
    const [one, again] = [1, 2].map(() => runChaos({ seed: 11, voters: 5, storage }));
    expect(again).toEqual(one);
    expect(one!.storage).toBe(storage);
  });

  test.each([
    { seed: 6171, voters: 5, found: 'a snapshot of the membership before the change that was just applied' },
    { seed: 3784, voters: 3, found: 'the same, of which nobody can join' },
    { seed: 3448, voters: 5, found: 'late answers in doubt that feed a storm' },
    { seed: 9671, voters: 3, found: 'a spoiled head beside lost entries that were healed without a doubt' },
    { seed: 1121, voters: 5, found: 'refusals behind what was passed over that feed a storm' },
  ])('of seed $seed is clean, where it found $found', ({ seed, voters }) => {
    expect(runChaos({ seed, voters }).voters).toBe(voters);
  });

  test('is rich: over some seeds everything that can happen does', () => {
    const sum: Record<string, number> = {};
    for (let seed = 1; seed <= 24; seed++)
      for (const [name, count] of Object.entries(runChaos({ seed }).counts))
        sum[name] = (sum[name] ?? 0) + count;
    for (const [name, count] of Object.entries(sum)) expect(count, name).toBeGreaterThan(0);
  }, 60_000);
});

/** The invariants themselves: each must go red when it is broken. */
describe('the watch', () => {
  const settled = (): Story => {
    const story = new Story();
    story.elect(1);
    story.write(1, 7);
    story.run(5);
    return story;
  };

  test('sees two leaders of one term', () => {
    const { cluster } = settled();
    const [one, two] = [cluster.node(1), cluster.node(2)];
    two.view = one.view;
    expect(() => cluster.invariants.moved(two)).toThrow(/leads in term \d+, as 1 did/);
  });

  test('sees a member vote twice in a term, though it has forgotten the first', () => {
    const { cluster } = settled();
    const node = cluster.node(3);
    const vote = (to: number) =>
      ({
        type: 'vote-answer',
        to: peerId(to),
        from: node.id,
        term: node.disk.hardState.term,
        granted: true,
        commit: { term: 0, index: 0 },
      }) as const;
    node.disk.writeNow({
      hardState: { ...node.disk.hardState, vote: peerId(1) },
      entries: [],
      snapshot: null,
      mustSync: true,
    });
    cluster.invariants.sent(node, vote(1));
    node.disk.writeNow({
      hardState: { ...node.disk.hardState, vote: peerId(2) },
      entries: [],
      snapshot: null,
      mustSync: true,
    });
    expect(() => cluster.invariants.sent(node, vote(2))).toThrow(/votes for 2 and 1/);
  });

  test('sees a promise that is not durable', () => {
    const { cluster } = settled();
    const node = cluster.node(2);
    const index = node.disk.log.lastIndex() + 1;
    expect(() =>
      cluster.invariants.sent(node, {
        type: 'append-answer',
        to: peerId(1),
        from: node.id,
        term: node.disk.hardState.term,
        index,
        refused: null,
      }),
    ).toThrow(/promises \d+, durable up to/);
  });

  test('sees one id name two entries', () => {
    const { cluster } = settled();
    const node = cluster.node(2);
    const at = node.disk.log.lastIndex();
    const [held] = node.disk.log.entries(at, at + 1, Infinity)!;
    const forged: Entry = { ...held!, data: new TextEncoder().encode('forged') };
    expect(() =>
      node.disk.writeNow({ hardState: null, entries: [forged], snapshot: null, mustSync: true }),
    ).toThrow(/is two different ones/);
  });

  test('sees a member apply what is not committed', () => {
    const { cluster } = settled();
    const node = cluster.node(2);
    const at = node.disk.log.lastIndex();
    const [held] = node.disk.log.entries(at, at + 1, Infinity)!;
    expect(() => cluster.invariants.applied(node, { ...held!, term: 9 })).toThrow(/applies \d+ of 9/);
  });

  test('sees a commit that no quorum holds', () => {
    const cluster = new Cluster({ seed: 1 }).startAll();
    cluster.runUntil(() => cluster.leader !== undefined, 200);
    const leader = cluster.leader!;
    const { view } = leader;
    const committed = view!.log.lastIndex() + 1;
    const { applied, applying, unstable } = view!.log;
    const log = {
      committed,
      applied,
      applying,
      unstable,
      firstIndex: () => 1,
      lastIndex: () => committed,
      term: () => view!.term,
    };
    leader.view = { id: leader.id, term: view!.term, vote: view!.vote, lead: leader.id, role: 'leader', log };
    expect(() => cluster.invariants.moved(leader)).toThrow(/durable at 0 of 3/);
  });

  test('sees a storm', () => {
    const { cluster } = settled();
    const [from, to] = [cluster.node(1), cluster.node(2).id];
    const term = from.view!.term;
    const heartbeat = { type: 'heartbeat', from: from.id, to, term, commit: 0, readMark: 0 } as const;
    expect(() => {
      for (let count = 0; count <= 10_000; count++) cluster.sent(from, heartbeat);
    }).toThrow(/a storm: the last is a heartbeat from 1 to 2/);
  });

  test('sees a register read old after new', () => {
    const story = settled();
    story.write(1, 8);
    expect(story.read(2)).toBe(8);
    expect(story.verdict).toBe('linearizable');
    story.node(3).registers = story.node(3).registers.clone();
    story.node(3).registers.apply({ client: 1, seq: 1, key: 1, kind: 'put', value: 7, expected: 0 });
    expect(story.read(3)).toBe(7);
    expect(story.verdict).toBe('not-linearizable');
  });
});
