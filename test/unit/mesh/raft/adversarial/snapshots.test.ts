import { describe, expect, test } from 'vitest';
import { logStart } from '#agent/mesh/raft/log/log-reader.ts';
import { MemoryLog } from '#agent/mesh/raft/log/memory-log.ts';
import { emptyRecord } from '#agent/mesh/raft/membership/membership.ts';
import type { PeerMessage } from '#agent/mesh/raft/message.ts';
import { noPeer, peerId } from '#agent/mesh/raft/peer-id.ts';
import type { Snapshot } from '#agent/mesh/raft/snapshot.ts';
import type { CrashPoint } from '#test/simulation/raft/node.ts';
import { bytes, entriesOf, Host, ids } from '../group.ts';
import { addLearner, remove, Story } from './story.ts';

/** S1 … S9 of the checklist in this folder's README. */

const snapshotAt = (index: number, term: number): Snapshot => ({
  id: { index, term },
  membership: { ...emptyRecord, voters: ids(3) },
  data: bytes('state'),
});
const sent = (snapshot: Snapshot, term: number): PeerMessage => ({
  type: 'snapshot',
  from: peerId(2),
  to: peerId(1),
  term,
  snapshot,
});

/** 3 is cut off, and 1 drops what it would need. */
function laggard(options: { readonly asyncStorage?: boolean; readonly writeTicks?: number } = {}): Story {
  const { asyncStorage = true, writeTicks = 0.05 } = options;
  const story = new Story({ keepBehind: 0, checkpoints: 1, asyncStorage });
  story.elect(1);
  story.node(3).disk.habits = {
    writeMin: writeTicks,
    writeMax: writeTicks,
    stalls: 0,
    stallMax: 0,
    torn: 1,
    losesEnd: 0,
  };
  story.isolate(3);
  for (let value = 1; value <= 6; value++) story.write(1, value);
  const leader = story.node(1);
  leader.takeSnapshot();
  leader.compact(leader.registers.applied);
  return story;
}

test('S1: a snapshot older than what is committed changes nothing', () => {
  const host = new Host({ entries: entriesOf(1, 1, 1, 1), hardState: { term: 1, vote: noPeer, commit: 4 } });
  expect(host.step(sent(snapshotAt(2, 1), 1))).toMatchObject([
    { type: 'append-answer', index: 4, refused: null },
  ]);
  expect(host.terms).toEqual([1, 1, 1, 1]);
});

test('S2: a snapshot over a log that went another way leaves none of it, and the log goes on', () => {
  const host = new Host({
    entries: entriesOf(1, 1, 2, 2, 2, 2),
    hardState: { term: 2, vote: noPeer, commit: 2 },
  });
  host.flush();
  host.step(sent(snapshotAt(4, 3), 3));
  expect(host.last).toEqual({ index: 4, term: 3 });
  const entries = [{ term: 3, index: 5, kind: 'normal', data: bytes('5') } as const];
  const [answer] = host.step({
    type: 'append',
    from: peerId(2),
    to: peerId(1),
    term: 3,
    previous: { index: 4, term: 3 },
    entries,
    commit: 5,
  });
  expect(answer).toMatchObject({ index: 5, refused: null });
  expect(host.applied.map(({ index }) => index)).toEqual([1, 2, 5]);
});

test('S3: orders to apply that a snapshot overtakes are void, changes of membership too', () => {
  const story = new Story({ keepBehind: 0 });
  story.elect(1);
  story.node(3).applyMax = 30;
  const fourth = story.addLearner(1);
  story.change(1, [remove(fourth)]);
  story.until('it has gone', () => !story.cluster.isMember(fourth));
  story.isolate(3);
  const fifth = story.cluster.add(5);
  story.start(5);
  story.change(1, [addLearner(5)]);
  story.write(1, 7);
  const leader = story.node(1);
  leader.takeSnapshot();
  leader.compact(leader.registers.applied);
  story.heal();
  story.converge();
  expect(story.node(3).member!.membership()).toEqual(leader.member!.membership());
  expect(story.node(3).member!.membership().learners).toEqual([fifth.id]);
});

test('S4: the newest snapshot is the one that reaches furthest, not the one of the highest term or the last that came', () => {
  const log = new MemoryLog();
  log.applySnapshot({ ...snapshotAt(0, 0), id: logStart });
  log.append(entriesOf(1, 1, 5, 5));
  expect(log.keepSnapshot(snapshotAt(4, 5))).toBe(true);
  expect(log.keepSnapshot(snapshotAt(2, 1))).toBe(false);
  expect(log.applySnapshot(snapshotAt(3, 9))).toBe(false);
  log.compact(4);
  expect(log.snapshot().id).toEqual({ index: 4, term: 5 });
});

describe('S5: a crash while a snapshot is saved or installed loses nothing', () => {
  test.each(['before-write', 'after-write', 'after-answers', 'after-apply'] as const)(
    '%s at the receiver',
    (point: CrashPoint) => {
      const story = laggard({ asyncStorage: false });
      story.cluster.onNote = (node, note) => {
        if (note.kind === 'snapshot-restored') node.crashAt = point;
      };
      story.heal();
      story.until('it has crashed', () => story.node(3).member === null);
      story.cluster.onNote = () => undefined;
      story.start(3);
      story.converge();
      expect(story.node(3).registers.read(1)).toBe(6);
    },
  );

  test.each([1, 2, 3, 4])('with the write under way, however much of it stands (draw %i)', (seed) => {
    const story = laggard({ writeTicks: 3 });
    story.heal();
    story.until(
      'it is being written',
      () => story.node(3).view!.log.lastIndex() > story.node(3).disk.log.lastIndex(),
    );
    for (let at = 0; at < seed; at++) story.cluster.random.uint32();
    story.restart(3);
    story.converge();
    expect(story.node(3).registers.read(1)).toBe(6);
  });

  test.each([false, true])(
    'at the sender, between its snapshot and the log it drops (dropped: %s)',
    (isDropped) => {
      const story = new Story({ keepBehind: 0, checkpoints: 0 });
      const leader = story.elect(1);
      for (let value = 1; value <= 6; value++) story.write(1, value);
      leader.takeSnapshot();
      if (isDropped) leader.compact(leader.registers.applied);
      story.restart(1);
      expect(leader.registers.read(1)).toBe(isDropped ? 6 : 0);
      story.converge();
      expect(leader.registers.read(1)).toBe(6);
    },
  );
});

test('S6: of two snapshots in quick succession the later one stands', () => {
  const story = laggard({ writeTicks: 2 });
  const snapshots: number[] = [];
  story.cluster.onNote = (node, note) => {
    if (node.id === 3 && note.kind === 'snapshot-restored') snapshots.push(note.snapshot.index);
  };
  const first = sent(story.node(1).disk.snapshot, story.node(1).view!.term);
  story.write(1, 7);
  story.node(1).takeSnapshot();
  const second = sent(story.node(1).disk.snapshot, story.node(1).view!.term);
  for (const message of [first, second, first])
    story.node(3).receive({ ...message, from: peerId(1), to: peerId(3) });
  expect(snapshots).toHaveLength(2);
  story.run(10);
  expect(story.node(3).registers.read(1)).toBe(7);
  story.heal();
  story.converge();
});

/** A round trip takes five ticks. */
const slow = { loss: 0, delayMin: 2, delayMax: 3, duplicates: 0, held: 0, heldMax: 0, ordered: true };

test('S7: a member catches up by a snapshot that takes longer to arrive than the log takes to be dropped', () => {
  const story = new Story({ snapshotEvery: 5, keepBehind: 20, electionTicks: 40, weather: slow });
  story.elect(1);
  story.isolate(3);
  for (let value = 1; value <= 60; value++) story.write(1, value);
  story.heal();
  for (let value = 61; value <= 120; value++) {
    story.put(1, value);
    story.run(3);
  }
  const lag = story.node(1).view!.log.lastIndex() - story.node(3).disk.log.lastIndex();
  expect(story.node(3).disk.log.lastIndex()).toBeGreaterThan(60);
  expect(lag).toBeLessThan(20);
});

test('S8: a state machine that died half way through a snapshot applies nothing twice', () => {
  const story = laggard({ writeTicks: 2 });
  story.heal();
  let restarts = 0;
  for (let tick = 0; tick < 40; tick++) {
    story.run(1);
    if (story.node(3).disk.waiting === 0 || restarts === 3) continue;
    story.restart(3);
    restarts++;
  }
  expect(restarts).toBeGreaterThan(0);
  // Its host asserts that every entry follows the last one applied.
  story.converge();
  expect(story.node(3).registers.toBytes()).toEqual(story.node(1).registers.toBytes());
});

test('S9: a snapshot of a leader that was deposed meanwhile does not mix with that of the next', () => {
  const story = laggard();
  const late: PeerMessage[] = [];
  story.cluster.network.filter = (message) => {
    const isHeld = message.type === 'snapshot' && message.from === 1;
    if (isHeld) late.push(message);
    return isHeld;
  };
  story.heal();
  story.until('it is sent', () => late.length > 0);
  story.elect(2);
  story.write(2, 8);
  story.node(2).takeSnapshot();
  story.node(2).compact(story.node(2).registers.applied);
  story.converge();
  for (const message of late) story.node(3).receive(message);
  story.run(20);
  expect(story.node(3).registers.read(1)).toBe(8);
  expect(story.converge().registers.toBytes()).toEqual(story.node(3).registers.toBytes());
});
