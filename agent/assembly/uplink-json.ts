import type { UplinkJson } from '../api/contract.ts';
import { formatTime } from '../reading/event-time.ts';
import type { UplinkStatus } from '../uplink/uplink-status.ts';
import { describeUplink } from '../uplink/words.ts';

/** An uplink's status as the API tells it. */
export function uplinkJson(
  status: UplinkStatus,
  more: {
    type: string;
    budgetBytes: number | null;
    ratePerSecond: number | null;
    /** How long the buffer lasts. */
    outlook: string | null;
  },
): UplinkJson {
  const { lastTakenAt, now, wallMicros } = status;
  return {
    name: status.name,
    type: more.type,
    state: stateOf(status),
    words: describeUplink(status, more.outlook).replace(`uplink ${status.name}: `, ''),
    waiting_readings: status.waitingReadings,
    waiting_bytes: status.waitingBytes,
    delivered: status.deliveredReadings,
    refused: status.refusedReadings,
    rate_per_second: more.ratePerSecond,
    oldest: status.oldestMicros === null ? null : formatTime(status.oldestMicros),
    last_success:
      lastTakenAt === null ? null : formatTime(wallMicros - Math.round((now - lastTakenAt) * 1000)),
    budget_used_bytes: more.budgetBytes === null ? null : status.budget.spentBytes,
    budget_bytes: more.budgetBytes,
    streams: status.streams.map(({ stream, waiting, inFlight, oldestMicros }) => ({
      stream,
      waiting_readings: waiting,
      in_flight: inFlight,
      oldest: oldestMicros === null ? null : formatTime(oldestMicros),
    })),
  };
}

function stateOf(status: UplinkStatus): UplinkJson['state'] {
  if (!status.running) return 'starting';
  if (status.budgetWaitMs > 60_000) return 'paused';
  if (status.link.downSince === null) return 'up';
  return status.link.state === 'trying' ? 'probing' : 'down';
}
