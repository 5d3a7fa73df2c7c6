import type { Telemetry } from '../ports/telemetry.ts';
import type { AstrayTimes, Group } from './group.ts';

/** An append was committed: what it held is counted by source and reason. */
export function groupCommitted(telemetry: Telemetry, group: Group, elapsedMs: number): void {
  const { tally } = group;
  telemetry.observe('ingest_append_seconds', elapsedMs / 1000);
  telemetry.observe('ingest_append_messages', tally.arrivals);
  if (tally.bytes > 0) telemetry.count('ingest_payload_bytes', undefined, tally.bytes);
  if (tally.readings > 0) telemetry.count('ingest_readings', undefined, tally.readings);
  for (const [source, count] of tally.bySource) telemetry.count('ingest_messages', { source }, count);
  if (tally.duplicates > 0) telemetry.count('ingest_duplicates', undefined, tally.duplicates);
  if (tally.unrouted > 0) telemetry.count('ingest_unrouted', undefined, tally.unrouted);
  for (const [reason, count] of tally.undecodable) telemetry.count('ingest_undecodable', { reason }, count);
  for (const [stream, times] of tally.astray) deviceTimesAstray(telemetry, stream, times);
}

/** The clock of a device is wrong, or its readings waited very long. They are kept as they are. */
function deviceTimesAstray(telemetry: Telemetry, stream: string, { ahead, behind }: AstrayTimes): void {
  if (ahead > 0) telemetry.count('ingest_device_times_astray', { stream, direction: 'ahead' }, ahead);
  if (behind > 0) telemetry.count('ingest_device_times_astray', { stream, direction: 'behind' }, behind);
  const message = `times of devices are far from ours (${ahead} ahead, ${behind} behind): look at their clocks`;
  telemetry.log('warning', 'ingest_device_times_astray', message, { stream });
}

/** The store takes nothing: sources are held back until it does. Reported once until it recovers. */
export function appendRefused(
  telemetry: Telemetry,
  outcome: { readonly trouble: 'full' | 'io'; readonly message: string },
): void {
  const { trouble, message } = outcome;
  telemetry.count('ingest_append_refused', { trouble });
  const level = trouble === 'io' ? 'error' : 'warning';
  telemetry.log(level, 'ingest_append_refused', `the buffer takes no readings: ${message}; sources wait`, {
    trouble,
  });
}

export function appendRecovered(telemetry: Telemetry): void {
  telemetry.log('notice', 'ingest_append_recovered', 'the buffer takes readings again');
}

/** Credit over all sources is exhausted. */
export function intakeThrottled(telemetry: Telemetry, bytes: number): void {
  telemetry.count('ingest_throttled');
  telemetry.log('debug', 'ingest_throttled', 'sources wait for the buffer', { bytes });
}
