import type { Micros, Millis } from '../base/units.ts';
import type { BudgetReport } from './budget.ts';
import type { StreamProgress } from './stream-progress.ts';
import type { LinkReport } from './link-health.ts';

export interface UplinkStatus {
  readonly name: string;
  readonly kind: string;
  readonly running: boolean;
  readonly link: LinkReport;
  /** Monotonic time of this report; the times in `link` are on the same clock. */
  readonly now: Millis;
  readonly streams: readonly StreamProgress[];
  readonly waitingReadings: number;
  readonly waitingBytes: number;
  /** Commit time of the oldest reading that waits, null when none does. */
  readonly oldestMicros: number | null;
  readonly wallMicros: Micros;
  readonly batchesInFlight: number;
  readonly deliveredReadings: number;
  readonly refusedReadings: number;
  readonly sentBytes: number;
  readonly lastTakenAt: Millis | null;
  /** Anything answered, sent or settled last: for a watchdog that wants progress. */
  readonly lastProgressAt: Millis | null;
  readonly budget: BudgetReport;
  /** Until when a budget holds the uplink back; 0 when none does. */
  readonly budgetWaitMs: Millis;
}
