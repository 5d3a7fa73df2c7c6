import { countHoles, type OffsetRange } from './ranges.ts';

/** How far a stream has got, for status and figures. */
export interface StreamProgress {
  readonly stream: string;
  readonly priority: number;
  /** Every offset below is settled. */
  readonly base: number;
  /** One past the newest reading known of. */
  readonly head: number;
  /** Readings not settled. */
  readonly waiting: number;
  readonly inFlight: number;
  /** Stored bytes not settled: the store's estimate, less the share of what was settled since. 0 when nothing waits. */
  readonly bytes: number;
  /** Null when nothing waits. */
  readonly oldestMicros: number | null;
}

interface Plan extends Omit<StreamProgress, 'waiting' | 'inFlight'> {
  readonly covered: readonly OffsetRange[];
  readonly open: readonly {
    readonly first: number;
    readonly until: number;
    readonly notBefore: number | null;
  }[];
  /** Readings that waited when the store said `bytes`. */
  readonly bytesOf: number;
}

export function progressOf(plan: Plan): StreamProgress {
  const { stream, priority, base, head, bytesOf } = plan;
  const waiting = waitingOf(plan);
  const inFlight = plan.open.reduce(
    (sum, range) => sum + (range.notBefore === null ? range.until - range.first : 0),
    0,
  );
  // The store is asked again when there is something new, not at every settlement.
  const share = bytesOf === 0 ? 0 : Math.min(1, waiting / bytesOf);
  const bytes = Math.round(plan.bytes * share);
  return {
    stream,
    priority,
    base,
    head,
    waiting,
    inFlight,
    bytes,
    oldestMicros: waiting === 0 ? null : plan.oldestMicros,
  };
}

export function waitingOf(plan: Pick<Plan, 'covered' | 'base' | 'head'>): number {
  return countHoles(plan.covered, { from: plan.base, until: plan.head });
}
