import { counted, formatBytes, formatCount, formatDuration } from '../../base/words.ts';
import { renderTable } from '../table.ts';

/** What a drill counted, at both ends and in the agent's own books. */
export interface DrillAccount {
  readonly drill: DrillName;
  readonly seed: number;
  readonly kills: number;
  readonly seconds: number;
  /** Distinct messages sent at least once. */
  readonly published: number;
  /** Messages whose PUBACK the publisher has. */
  readonly acknowledged: number;
  /** Distinct messages on the receiver's disk. */
  readonly delivered: number;
  /** Acknowledged, and not on the receiver's disk. */
  readonly lost: number;
  /** Readings on the receiver's disk beyond the first of their message: stored twice by the agent. */
  readonly duplicated: number;
  /** Readings that the uplink sent again and the receiver recognised. */
  readonly resent: number;
  readonly ledger: LedgerAccount | null;
  /** Highest resident memory of any of the agent's lives, null where the kernel does not tell. */
  readonly peakMemoryBytes: number | null;
  /** Longest time from a start after a kill until the agent was ready. */
  readonly slowestStartMs: number;
  /** Why the drill ended before everything had drained; null when it did not. */
  readonly broken: string | null;
}

export type DrillName = 'kill' | 'power-cut';

/** The agent's own account, over all streams. */
export interface LedgerAccount {
  readonly received: number;
  readonly delivered: number;
  readonly buffered: number;
  readonly filtered: number;
  readonly dropped: number;
  /** The agent's sums agree, and what it calls delivered is what the receiver kept. */
  readonly balanced: boolean;
}

/** True when the promise was kept. Duplicates do not break it: QoS 1 allows them, and they are shown. */
export function kept(account: DrillAccount): boolean {
  return account.broken === null && account.lost === 0 && account.ledger?.balanced === true;
}

export function accountText(account: DrillAccount): string {
  const rows: [string, string][] = [
    ['published', formatCount(account.published)],
    ['acknowledged', formatCount(account.acknowledged)],
    ['delivered', formatCount(account.delivered)],
    ['lost', formatCount(account.lost)],
    ['duplicated', formatCount(account.duplicated)],
    ['ledger', ledgerText(account.ledger)],
  ];
  const table = renderTable<[string, string]>(
    [
      { header: 'messages', cell: (row) => row[0] },
      { header: 'count', align: 'right', cell: (row) => row[1] },
    ],
    rows,
  );
  return `${table}\n${notesText(account)}\n${verdictText(account)}\n`;
}

function ledgerText(ledger: LedgerAccount | null): string {
  if (ledger === null) return 'unknown';
  return ledger.balanced ? 'balanced' : 'NOT balanced';
}

function notesText(account: DrillAccount): string {
  const { ledger, peakMemoryBytes } = account;
  const notes = [
    ledger === null
      ? 'the agent did not tell its ledger'
      : `ledger: received ${formatCount(ledger.received)} = delivered ${formatCount(ledger.delivered)} + buffered ${formatCount(ledger.buffered)} + filtered ${formatCount(ledger.filtered)} + dropped ${formatCount(ledger.dropped)}`,
    `${counted(account.resent, 'reading')} sent again by the uplink and recognised by the receiver`,
    `slowest start after a kill ${Math.round(account.slowestStartMs)} ms, peak memory ${peakMemoryBytes === null ? 'unknown' : formatBytes(peakMemoryBytes)}`,
    `${formatDuration(account.seconds)}, seed ${account.seed}`,
  ];
  return notes.map((note) => `  ${note}\n`).join('');
}

/** One sentence that a reader can act on. */
export function verdictText(account: DrillAccount): string {
  const { acknowledged, lost, duplicated, ledger, kills, broken } = account;
  const ordeal = ordealText(account.drill, kills);
  if (broken !== null) return `NOT PROVEN: ${broken}.`;
  if (lost > 0)
    return `LOSS: ${formatCount(lost)} of ${counted(acknowledged, 'acknowledged message')} never arrived after ${ordeal}.`;
  if (ledger === null) return 'NOT PROVEN: the agent did not tell its ledger.';
  if (!ledger.balanced)
    return `UNBALANCED: every acknowledged message arrived, but the ledger does not agree with what the receiver holds.`;
  const twice =
    duplicated === 0
      ? 'none twice'
      : `${formatCount(duplicated)} of them twice, as QoS 1 allows after a broken connection`;
  return `PROVEN: all of ${counted(acknowledged, 'acknowledged message')} arrived through ${ordeal}, ${twice}; the ledger balances.`;
}

export function ordealText(drill: DrillName, times: number): string {
  return drill === 'kill' ? counted(times, 'kill -9', 'kills -9') : counted(times, 'power cut');
}
