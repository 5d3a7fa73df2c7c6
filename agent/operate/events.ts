import type { Telemetry } from '../ports/telemetry.ts';
import { formatDuration } from '../base/words.ts';
import type { ClockStanding } from './clock-judge.ts';
import type { HostFigures } from './host-figures.ts';
import type { PartState } from './health.ts';
import type { Stall } from './progress.ts';

const stateNumbers = { ok: 0, starting: 1, degraded: 2, failed: 3 } as const satisfies Record<
  PartState,
  number
>;
const stateLevels = { ok: 'notice', starting: 'info', degraded: 'warning', failed: 'error' } as const;

/** What runs here, for queries that join on it. */
export function buildDescribed(
  telemetry: Telemetry,
  build: { readonly version: string; readonly node: string; readonly arch: string },
): void {
  const { version, node, arch } = build;
  telemetry.gauge('build_info', 1, { version, node, arch });
}

export function agentStopping(telemetry: Telemetry): void {
  telemetry.log('notice', 'operate_stopping', 'stopping: what was taken in is stored first');
}

/** A part says something new of itself. */
export function partChanged(
  telemetry: Telemetry,
  change: {
    readonly name: string;
    readonly from: PartState;
    readonly to: PartState;
    readonly reason: string;
  },
): void {
  const { name, from, to, reason } = change;
  telemetry.gauge('part_state', stateNumbers[to], { part: name });
  const words = reason === '' ? '' : `: ${reason}`;
  telemetry.log(stateLevels[to], 'operate_part_changed', `${name} is ${to}${words}`, {
    part: name,
    from,
    to,
  });
}

export function readinessChanged(telemetry: Telemetry, ready: boolean): void {
  telemetry.gauge('ready', ready ? 1 : 0);
  if (ready) telemetry.log('notice', 'operate_ready', 'every needed part is ready', { ready });
  else telemetry.log('warning', 'operate_not_ready', 'a needed part is not ready; see /readyz', { ready });
}

export function watchdogFed(telemetry: Telemetry, marginSeconds: number): void {
  telemetry.gauge('watchdog_margin_seconds', marginSeconds);
}

/** The service manager will restart the agent unless the parts named get on. */
export function watchdogWithheld(telemetry: Telemetry, stalls: readonly Stall[]): void {
  telemetry.count('watchdog_withheld');
  for (const { part, forMs } of stalls) {
    const seconds = Math.round(forMs / 1_000);
    const message = `${part} has work and has not got on for ${seconds} s; the watchdog is not fed`;
    telemetry.log('error', 'operate_watchdog_withheld', message, { part });
  }
}

export function progressResumed(telemetry: Telemetry): void {
  telemetry.log('notice', 'operate_progress_resumed', 'every part gets on again; the watchdog is fed');
}

export function partAged(telemetry: Telemetry, part: string, seconds: number): void {
  telemetry.gauge('part_stalled_seconds', seconds, { part });
}

export function loopLagSampled(telemetry: Telemetry, seconds: number): void {
  telemetry.gauge('event_loop_lag_seconds', seconds);
}

/** Figures that are not known on this host are left out. */
export function hostSampled(telemetry: Telemetry, figures: HostFigures): void {
  const gauges: readonly (readonly [string, number | null])[] = [
    ['host_temperature_celsius', figures.temperatureCelsius],
    ['host_disk_free_bytes', figures.diskFreeBytes],
    ['host_disk_size_bytes', figures.diskSizeBytes],
    ['host_memory_available_bytes', figures.memoryAvailableBytes],
    ['host_memory_size_bytes', figures.memorySizeBytes],
    ['host_load_ratio', figures.loadRatio],
    ['host_cpu_busy_ratio', figures.cpuBusyRatio],
    ['host_uptime_seconds', figures.uptimeSeconds],
    ['process_resident_memory_bytes', figures.process.residentBytes],
    ['process_virtual_memory_bytes', figures.process.virtualBytes],
    ['process_start_time_seconds', figures.process.startSeconds],
    ['process_open_fds', figures.process.openDescriptors],
    ['process_max_fds', figures.process.descriptorsMax],
  ];
  for (const [name, value] of gauges) if (value !== null) telemetry.gauge(name, value);
  for (const reason of throttleReasons) {
    if (figures.throttled !== null) {
      telemetry.gauge('host_throttled', figures.throttled.includes(reason) ? 1 : 0, { reason });
    }
  }
}

const throttleReasons = ['under_voltage', 'frequency_capped', 'throttled', 'soft_temperature_limit'] as const;

/** The board holds its processor back, or no longer does. */
export function throttlingChanged(telemetry: Telemetry, throttled: readonly string[]): void {
  const isHeldBack = throttled.length > 0;
  telemetry.log(
    isHeldBack ? 'warning' : 'notice',
    'operate_throttling_changed',
    isHeldBack
      ? `the board holds its processor back: ${throttled.join(', ')}; check power supply and cooling`
      : 'the board no longer holds its processor back',
    { reasons: throttled.join(',') },
  );
}

/** A sample could not be taken; the figures before it stand. */
export function hostSampleFailed(telemetry: Telemetry, message: string): void {
  telemetry.log('debug', 'operate_host_sample_failed', message);
}

/** How the clock stands at the start. */
export function clockJudged(telemetry: Telemetry, standing: ClockStanding): void {
  telemetry.gauge('clock_trusted', standing.kind === 'trusted' ? 1 : 0);
  if (standing.kind === 'trusted') return;
  const why = standing.stale
    ? 'the clock stands before times that are stored'
    : 'the clock was not synchronized since boot';
  telemetry.log(
    'warning',
    'operate_clock_unset',
    `${why}: times of arrival are counted on from what is known, and corrected once it is set`,
  );
}

/** The clock is believed from now on, or counted from elsewhere until it is. */
export function clockSet(telemetry: Telemetry, standing: ClockStanding, shiftSeconds: number): void {
  const by = standing.kind === 'trusted' ? standing.by : 'step';
  telemetry.gauge('clock_trusted', standing.kind === 'trusted' ? 1 : 0);
  telemetry.count('clock_sets', { by });
  const how = by === 'sync' ? 'is synchronized' : 'was set';
  const message = `the clock ${how}: times of arrival move ${movement(shiftSeconds)}`;
  telemetry.log('notice', 'operate_clock_set', message, { by, shift_seconds: Math.round(shiftSeconds) });
}

export function clockStepped(telemetry: Telemetry, seconds: number): void {
  telemetry.count('clock_steps', { direction: seconds > 0 ? 'forward' : 'back' });
  telemetry.log(
    'notice',
    'operate_clock_stepped',
    `the wall clock of the host was set ${movement(seconds)}`,
    {
      seconds: Math.round(seconds),
    },
  );
}

function movement(seconds: number): string {
  return `${seconds < 0 ? 'back' : 'forward'} by ${formatDuration(Math.abs(seconds))}`;
}
