import { type Millis, day, hour, minute, second } from '../base/units.ts';
import type { UplinkStatus } from './uplink-status.ts';

/** What only the buffer knows: how fast it fills and how much room is left. */
export interface BufferOutlook {
  readonly freeBytes: number;
  /** Bytes a second the buffer grows by, averaged; 0 or less when it does not. */
  readonly growthBytesPerSecond: number;
}

/** Where an uplink stands, for `sedge status`: `uplink cloud: down for 12 min, retry in 40 s, 81,204 readings wait, full in about 9 days at this rate`. */
export function describeUplink(status: UplinkStatus, outlook: BufferOutlook | null = null): string {
  const parts = [linkWords(status), ...budgetWords(status), waitWords(status)];
  if (outlook !== null && status.waitingReadings > 0 && outlook.growthBytesPerSecond > 0) {
    const ms = (Math.max(0, outlook.freeBytes) / outlook.growthBytesPerSecond) * 1000;
    parts.push(ms < minute ? 'full within a minute' : `full in about ${spanInWords(ms)} at this rate`);
  }
  return `uplink ${status.name}: ${parts.join(', ')}`;
}

function linkWords(status: UplinkStatus): string {
  const { link, now } = status;
  if (!status.running) return 'stopped';
  if (link.downSince === null) return 'up';
  const down = `down for ${spanInWords(now - link.downSince)}`;
  const why = link.words === '' ? '' : ` (${link.words})`;
  if (link.state === 'trying') return `${down}${why}, trying now`;
  const retryMs = (link.retryAt ?? now) - now;
  return `${down}${why}, ${retryMs <= 0 ? 'retry now' : `retry in ${spanInWords(retryMs)}`}`;
}

function budgetWords(status: UplinkStatus): string[] {
  const { budget, budgetWaitMs } = status;
  // The rate bucket makes every uplink wait a little; only a spent day is news.
  if (budget.bytesPerDay === null || budgetWaitMs < minute) return [];
  const spent = `${bytesInWords(budget.spentBytes)} of ${bytesInWords(budget.bytesPerDay)}`;
  return [`budget of the day spent (${spent}), goes on in ${spanInWords(budgetWaitMs)}`];
}

function waitWords(status: UplinkStatus): string {
  const { waitingReadings } = status;
  if (waitingReadings === 0) return 'nothing waits';
  return waitingReadings === 1 ? '1 reading waits' : `${grouped(waitingReadings)} readings wait`;
}

/** `40 s`, `12 min`, `3 h`, `9 days`: one unit, rounded, never 0. */
export function spanInWords(ms: Millis | number): string {
  if (ms < second * 99.5) return `${Math.max(1, Math.round(ms / second))} s`;
  if (ms < minute * 99.5) return `${Math.round(ms / minute)} min`;
  if (ms < hour * 47.5) return `${Math.round(ms / hour)} h`;
  return ms < day * 730 ? `${Math.round(ms / day)} days` : `${Math.round(ms / (day * 365.25))} years`;
}

/** `812 B`, `12 KiB`, `1.4 MiB`. */
export function bytesInWords(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** 81204 as `81,204`. */
export function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
