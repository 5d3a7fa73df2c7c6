import { SedgeError } from '../base/errors.ts';
import type { Settlement } from '../ports/store.ts';
import { dropIncoming, insertRow, pagesForRow, type RowToStore } from './append.ts';
import { eraOf } from './eras.ts';
import { encodeJournalRow } from './codec/journal-row.ts';
import { absorb, rangesAfter, waitingIn } from './cursor.ts';
import { deadLetters, deadLetterStream } from './dead-letter.ts';
import type { Interval } from './intervals.ts';
import { settledRangesMax } from './limits.ts';
import { readRun } from './read.ts';
import { dropOldest, trimDeadLetters } from './retention.ts';
import { forfeit, releaseSettled } from './segments.ts';
import type { Moment, StoreCore } from './store-core.ts';
import type { StreamState } from './stream-state.ts';

/** @throws {SedgeError} when the settlement can not be meant; nothing is touched then. */
export function checkSettlement(core: StoreCore, settlement: Settlement): void {
  const { uplink, stream: name, first, count } = settlement;
  const what = `settlement of ${name} ${first}+${count} by ${uplink}`;
  const stream = core.memory.streams.get(name);
  const cursor = stream?.cursors.get(uplink);
  if (stream === undefined || cursor === undefined) {
    throw new SedgeError('SEDGE_DATA_INVALID', `${what}: this uplink does not take the stream`);
  }
  if (!Number.isSafeInteger(first) || first < 0 || !Number.isSafeInteger(count) || count <= 0) {
    throw new SedgeError('SEDGE_DATA_INVALID', `${what}: not a range`);
  }
  if (first + count > stream.head) {
    throw new SedgeError('SEDGE_DATA_INVALID', `${what}: the head is ${stream.head}`);
  }
  const ranges = rangesAfter(cursor, first, first + count);
  if (ranges > settledRangesMax && ranges > cursor.settled.length) {
    throw new SedgeError('SEDGE_DATA_INVALID', `${what}: more than ${settledRangesMax} settled ranges`);
  }
}

/** Moves the cursor, the accounts, the budget, and lets go of what nobody waits for. Inside a transaction; checked before. */
export function settle(core: StoreCore, settlement: Settlement, now: Moment): void {
  const { uplink, first, count } = settlement;
  const until = first + count;
  const stream = core.memory.streams.get(settlement.stream);
  const cursor = stream?.cursors.get(uplink);
  if (stream === undefined || cursor === undefined)
    throw new SedgeError('SEDGE_DATA_INVALID', 'checked before');
  charge(core, settlement);
  const fresh = waitingIn(cursor, first, until);
  if (fresh.length === 0) return;
  if (settlement.outcome.kind === 'refused') {
    for (const range of fresh) {
      forfeit(core, stream, `refused:${uplink}`, range);
      copyToDeadLetters(core, stream, { uplink, words: settlement.outcome.words, range, now });
    }
    absorb(cursor, first, until, 'refused');
  } else {
    absorb(cursor, first, until, 'delivered');
  }
  core.touchCursor(stream, cursor);
  core.edges.forget(stream.name, cursor);
  // Parked cursors may still be told what was under way when their uplink was taken out of the config.
  releaseSettled(core, stream, first, until);
}

/** A clock that steps back charges the day it came from: a budget is never opened twice. */
function charge(core: StoreCore, settlement: Settlement): void {
  if (settlement.bytes === 0) return;
  const { day, bytes } = core.memory.budgets.get(settlement.uplink) ?? { day: settlement.day, bytes: 0 };
  const anew = settlement.day > day;
  core.charge(settlement.uplink, {
    day: anew ? settlement.day : day,
    bytes: (anew ? 0 : bytes) + settlement.bytes,
  });
}

/** Copies as many bytes as one settlement may; of what is beyond only the count is kept. */
function copyToDeadLetters(
  core: StoreCore,
  stream: StreamState,
  refusal: { uplink: string; words: string; range: Interval; now: Moment },
): void {
  const [first, until] = refusal.range;
  // Refused dead letters stay where they are: a copy of a copy tells nothing new.
  if (stream.name === deadLetterStream) return;
  let allowance = core.shares.refusalBytes;
  for (let at = first; at < until;) {
    const run = readRun(core, {
      stream: stream.name,
      from: at,
      until,
      readings: until - at,
      bytes: allowance,
    });
    if (run === null) break;
    if (run.batch.length === 0) {
      at = run.until;
      continue;
    }
    const batch = deadLetters(run.batch, {
      ...refusal,
      stream: stream.name,
      first: run.first,
      fidelity: run.fidelity,
    });
    const row = { bytes: encodeJournalRow(batch), count: batch.length };
    at = run.until;
    allowance -= row.bytes.length;
    // The first reading may be larger than the whole allowance.
    if (allowance >= 0) storeCopy(core, row, refusal.now);
    if (allowance > 0) continue;
    countCopies(core, (allowance < 0 ? row.count : 0) + until - at);
    break;
  }
  trimDeadLetters(core);
}

function countCopies(core: StoreCore, count: number): void {
  if (count === 0) return;
  const stream = core.stream(deadLetterStream);
  core.account(stream, { account: 'received', rule: '', count });
  dropIncoming(core, stream, count);
}

/** Copies take the place of older copies only; where that is not enough they are counted. */
function storeCopy(core: StoreCore, row: RowToStore, now: Moment): void {
  const stream = core.stream(deadLetterStream);
  const pages = pagesForRow(row);
  let room = core.claimPages(pages, 8);
  while (!room && dropOldest(core, stream)) room = core.claimPages(pages, 8);
  if (!room) {
    countCopies(core, row.count);
    return;
  }
  core.account(stream, { account: 'received', rule: '', count: row.count });
  insertRow(core, stream, row, { ...now, era: eraOf(core, now.clockBase) });
}
