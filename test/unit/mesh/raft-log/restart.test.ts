import { expect, test } from 'vitest';
import { memoryLogOf } from '#agent/mesh/raft-log/image.ts';
import { restartFrom } from '#agent/mesh/raft-log/restart.ts';
import type { LogReader } from '#agent/mesh/raft/log/log-reader.ts';
import { emptyRecord } from '#agent/mesh/raft/membership/membership.ts';
import { peerId } from '#agent/mesh/raft/peer-id.ts';
import { run, snapshotAt, state } from './storage-compliance.ts';

/** A snapshot at 4, entries up to 9, of which 6 are known to be committed. */
const log = (): LogReader =>
  memoryLogOf({
    hardState: state(2, 1, 6),
    snapshot: snapshotAt(4, 1),
    before: { index: 4, term: 1 },
    entries: run(5, 9, 2),
    doubt: 0,
  });
const membership = { ...emptyRecord, voters: [peerId(7)] };

test('a member starts with the membership of its state machine, and knows that what is applied is committed', () => {
  const restart = restartFrom(log(), { applied: 8, membership });
  expect(restart.kind === 'start' && restart.log.initialState()).toEqual({
    hardState: state(2, 1, 8),
    membership,
  });
});

test('a state machine that has not applied all the log knows to be committed starts as it is', () => {
  const restart = restartFrom(log(), { applied: 4, membership });
  expect(restart.kind === 'start' && restart.log.initialState().hardState.commit).toBe(6);
});

test('a state machine older than the log is given the snapshot first', () => {
  expect(restartFrom(log(), { applied: 3, membership })).toEqual({
    kind: 'restore',
    snapshot: snapshotAt(4, 1),
  });
});

test('a log that lost what is applied starts no member', () => {
  expect(restartFrom(log(), { applied: 10, membership })).toEqual({ kind: 'heal', needIndex: 10 });
});
