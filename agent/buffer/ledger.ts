import { waiting } from './cursor.ts';
import type { StoreCore } from './store-core.ts';
import { buffered, ledgerSum, summaries, type LedgerAccount, type StreamState } from './stream-state.ts';

export interface RuleCount {
  readonly rule: string;
  readonly count: number;
}

/** What became of every reading of one stream. `balanced`: received = filtered + stored, and stored = delivered + buffered + coarsened + dropped. */
export interface StreamLedger {
  readonly stream: string;
  readonly received: number;
  readonly filtered: readonly RuleCount[];
  /** Readings that ever got an offset: the head. */
  readonly stored: number;
  readonly delivered: number;
  readonly buffered: number;
  /** Readings that summaries stand for, kept or delivered. */
  readonly coarsened: number;
  /** Those summaries. */
  readonly summaries: number;
  readonly dropped: readonly RuleCount[];
  readonly balanced: boolean;
}

/** The same for one uplink in one stream. `balanced`: head - start = delivered + waiting + dropped + refused. */
export interface CursorLedger {
  readonly uplink: string;
  readonly stream: string;
  readonly start: number;
  readonly head: number;
  readonly delivered: number;
  readonly waiting: number;
  readonly dropped: number;
  readonly refused: number;
  readonly parked: boolean;
  readonly balanced: boolean;
}

export interface Ledger {
  readonly streams: readonly StreamLedger[];
  readonly cursors: readonly CursorLedger[];
  readonly balanced: boolean;
}

export function ledgerOf(core: StoreCore): Ledger {
  const streams: StreamLedger[] = [];
  const cursors: CursorLedger[] = [];
  for (const stream of core.memory.streams.values()) {
    streams.push(streamLedger(stream));
    for (const cursor of stream.cursors.values()) {
      const { uplink, start, delivered, refused, dropped, parked } = cursor;
      const rest = waiting(cursor, stream.head);
      const counts = { start, head: stream.head, delivered, waiting: rest, dropped, refused };
      const balanced = stream.head - start === delivered + rest + dropped + refused && rest >= 0;
      cursors.push({ uplink, stream: stream.name, ...counts, parked, balanced });
    }
  }
  const balanced = streams.every((entry) => entry.balanced) && cursors.every((entry) => entry.balanced);
  return { streams, cursors, balanced };
}

function streamLedger(stream: StreamState): StreamLedger {
  const received = ledgerSum(stream, 'received');
  const delivered = ledgerSum(stream, 'delivered');
  const coarsened = ledgerSum(stream, 'coarsened') - ledgerSum(stream, 'lapsed');
  const kept = buffered(stream);
  const balanced =
    received === ledgerSum(stream, 'filtered') + stream.head &&
    stream.head === delivered + kept + coarsened + ledgerSum(stream, 'dropped');
  return {
    stream: stream.name,
    received,
    filtered: rules(stream, 'filtered'),
    stored: stream.head,
    delivered,
    buffered: kept,
    coarsened,
    summaries: summaries(stream) + ledgerSum(stream, 'released'),
    dropped: rules(stream, 'dropped'),
    balanced,
  };
}

function rules(stream: StreamState, account: LedgerAccount): RuleCount[] {
  const counts: RuleCount[] = [];
  for (const [key, count] of stream.ledger) {
    if (key.startsWith(`${account} `)) counts.push({ rule: key.slice(account.length + 1), count });
  }
  return counts.sort((a, b) => (a.rule < b.rule ? -1 : 1));
}
