import { describe, expect, test } from 'vitest';
import type { PeerMessage } from '#agent/mesh/raft/message.ts';
import { noPeer, peerId } from '#agent/mesh/raft/peer-id.ts';
import { bytes, entriesOf, Host, ids } from '../group.ts';
import { remove, Story } from './story.ts';

/** R1 … R7 of the checklist in this folder's README. */

describe('R1: no read before a commit of the own term', () => {
  test('by the only voter, restarted with a stale commit index', () => {
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

  test('by a new leader that does not know yet what its predecessor committed', () => {
    const story = new Story();
    story.elect(1);
    // 2 and 3 hold the write; only 1 knows that it is committed.
    story.cluster.network.filter = (message) =>
      message.from === 1 && 'commit' in message && typeof message.commit === 'number' && message.commit > 2;
    story.write(1, 7);
    story.crash(1);
    story.cluster.network.filter = ({ type }) => type === 'append-answer';
    story.until('another leads', () => story.cluster.leader !== undefined);
    const { id, registers } = story.cluster.leader!;
    const answer = story.ask(id);
    story.run(5);
    expect([registers.read(1), answer.value]).toEqual([0, null]);
    story.cluster.network.filter = () => false;
    story.until('the read is answered', () => answer.value !== null);
    expect(answer.value).toBe(7);
  });

  test('by a leader that was removed and stays, without the one voter that is left', () => {
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
});

test('R2: a read asked again in the same words is confirmed by answers to its own round only, however often old ones come', () => {
  const host = new Host({ hardState: { term: 1, vote: noPeer, commit: 0 } });
  host.member.campaign();
  host.flush();
  const { term } = host;
  const from2 = { from: peerId(2), to: peerId(1), term } as const;
  host.step({ ...from2, type: 'vote-answer', granted: true, commit: { term: 0, index: 0 } });
  host.step({ ...from2, type: 'append-answer', index: 1, refused: null });
  const markOf = (sent: readonly PeerMessage[]): number => {
    const beat = sent.find(({ type }) => type === 'heartbeat');
    return beat?.type === 'heartbeat' ? beat.readMark : 0;
  };
  const round = (): number => {
    host.member.readIndex(bytes('same'));
    return markOf(host.flush());
  };
  const first = round();
  host.step({ ...from2, type: 'heartbeat-answer', readMark: first });
  expect(host.reads).toHaveLength(1);
  const second = round();
  for (let copy = 0; copy < 3; copy++) host.step({ ...from2, type: 'heartbeat-answer', readMark: first });
  expect(host.reads).toHaveLength(1);
  host.step({ ...from2, type: 'heartbeat-answer', readMark: second });
  expect(host.reads).toHaveLength(2);
});

test('R3: a read that a cut-off leader cannot confirm is never answered with an old value', () => {
  const story = new Story({ guarded: false });
  story.elect(1);
  story.write(1, 7);
  story.isolate(1);
  const answer = story.ask(1);
  story.until('another leads', () => story.node(2).isLeader || story.node(3).isLeader);
  story.write(story.anyLeader().id, 8);
  story.run(20);
  expect(answer.value).toBe(null);
  story.heal();
  story.run(40);
  expect(answer.value).not.toBe(7);
  expect(story.verdict).toBe('linearizable');
});

test.each([true, false])(
  'R4: a leader that was suspended while another took over serves no old value when it goes on (its clock makes good: %s)',
  (catchUp) => {
    const story = new Story();
    story.elect(1);
    story.write(1, 7);
    const [before] = [story.ask(1)];
    story.node(1).pause(150, catchUp);
    story.until('another leads', () => story.node(2).isLeader || story.node(3).isLeader);
    story.write(story.anyLeader().id, 8);
    story.until('1 goes on', () => !story.node(1).isPaused);
    story.ask(1);
    story.run(30);
    expect(before.value).not.toBe(0);
    expect(story.verdict).toBe('linearizable');
    expect(story.read(1)).toBe(8);
  },
);

/** Leases as the registers hold them: the epoch of the holder; whoever ends one names the epoch it means. */
const lease = 9;

test('R5: a leader that stalled ends no lease that was renewed meanwhile: the end is an entry, checked when it is applied', () => {
  const story = new Story();
  story.elect(1);
  story.write(1, 1, lease);
  story.isolate(1);
  const end = story.swap(1, 1, 99, lease);
  story.until('another leads', () => story.node(2).isLeader || story.node(3).isLeader);
  const { id } = story.anyLeader();
  story.write(id, 2, lease);
  const again = story.swap(id, 1, 99, lease);
  story.until('the second try is answered', () => again.took !== null);
  expect(again.took).toBe(false);
  story.heal();
  story.converge();
  expect(end.took).not.toBe(true);
  expect(story.read(1, lease)).toBe(2);
});

test('R6: a renewal that was lost in an election and asked again takes effect once, and before the end that was decided without it', () => {
  const story = new Story();
  story.elect(1);
  story.write(1, 1, lease);
  story.isolate(1);
  const lost = story.put(1, 2, lease);
  story.until('another leads', () => story.node(2).isLeader || story.node(3).isLeader);
  const { id } = story.anyLeader();
  const again = story.repeat(lost, id);
  story.until('it is answered', () => again.took !== null);
  const end = story.swap(id, 1, 99, lease);
  story.until('the end is refused', () => end.took !== null);
  expect([again.took, end.took]).toEqual([true, false]);
  story.heal();
  story.converge();
  expect(story.read(1, lease)).toBe(2);
});

test('R7: what a member applies has no gap, no repetition and no step back, across compaction, restarts and changes of leader', () => {
  const story = new Story({ voters: 3, snapshotEvery: 4, keepBehind: 1, checkpoints: 0.3 });
  const seen = new Map<number, number[]>();
  story.cluster.onApplied = (node, index) => {
    const list = seen.get(node.id) ?? [];
    seen.set(node.id, list);
    list.push(index);
  };
  for (let round = 0; round < 12; round++) {
    const id = 1 + (round % 3);
    story.elect(id);
    story.write(id, round + 1);
    const other = 1 + ((round + 1) % 3);
    story.restart(other);
    const last = seen.get(other)!;
    // A watch goes on from what was on disk: what it has seen before it sees again, under the same numbers.
    last.push(-1);
  }
  story.converge();
  for (const list of seen.values()) {
    for (const [at, index] of list.entries()) {
      const before = list[at - 1] ?? -1;
      if (index !== -1 && before !== -1) expect(index).toBe(before + 1);
    }
  }
  expect(story.cluster.running.map((node) => node.registers.read(1))).toEqual([12, 12, 12]);
});
