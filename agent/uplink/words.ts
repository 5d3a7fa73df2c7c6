import { minute } from '../base/units.ts';
import { formatBytes, formatCount, formatDuration } from '../base/words.ts';
import type { UplinkStatus } from './uplink-status.ts';

/**
 * Where an uplink stands, for `sedge status`: `uplink cloud: down for 12 min, retry in 40 s, 81,204 readings wait, full in about 9 days at this rate`.
 * `outlook`: how long the buffer lasts, in words that are not this room's; null: nothing to say.
 */
export function describeUplink(status: UplinkStatus, outlook: string | null = null): string {
  const parts = [linkWords(status), ...budgetWords(status), waitWords(status)];
  if (outlook !== null && status.waitingReadings > 0) parts.push(outlook);
  return `uplink ${status.name}: ${parts.join(', ')}`;
}

function linkWords(status: UplinkStatus): string {
  const { link, now } = status;
  if (!status.running) return 'stopped';
  if (link.downSince === null) return 'up';
  const down = `down for ${formatDuration((now - link.downSince) / 1_000)}`;
  const why = link.words === '' ? '' : ` (${link.words})`;
  if (link.state === 'trying') return `${down}${why}, trying now`;
  const retryMs = (link.retryAt ?? now) - now;
  return `${down}${why}, ${retryMs <= 0 ? 'retry now' : `retry in ${soon(retryMs)}`}`;
}

function budgetWords(status: UplinkStatus): string[] {
  const { budget, budgetWaitMs } = status;
  // The rate bucket makes every uplink wait a little; only a spent day is news.
  if (budget.bytesPerDay === null || budgetWaitMs < minute) return [];
  const spent = `${formatBytes(budget.spentBytes)} of ${formatBytes(budget.bytesPerDay)}`;
  return [`budget of the day spent (${spent}), goes on in ${soon(budgetWaitMs)}`];
}

function waitWords(status: UplinkStatus): string {
  const { waitingReadings } = status;
  if (waitingReadings === 0) return 'nothing waits';
  return waitingReadings === 1 ? '1 reading waits' : `${formatCount(waitingReadings)} readings wait`;
}

/** Ahead, so never 0. */
function soon(ms: number): string {
  return formatDuration(Math.max(1, ms / 1_000));
}
