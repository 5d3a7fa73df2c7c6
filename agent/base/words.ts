/** Figures as people say them: the same in every room, on the command line, in systemd's status line and in the dashboard's text. */

/** `81,204`. */
export function formatCount(count: number): string {
  if (!Number.isFinite(count)) return '?';
  return String(Math.round(count)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** One unit below an hour and from two days on, two between: `40 s`, `12 min`, `3 h 5 min`, `9 days`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.max(Math.round(seconds), 0);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) {
    const rest = minutes % 60;
    return rest === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
  }
  return `${formatCount(seconds / 86_400)} days`;
}

/** A guess, in the one unit that fits: `40 s`, `12 min`, `3 h`, `9 days`, `3 years`. */
export function formatEstimate(seconds: number): string {
  if (seconds < 59.5) return formatDuration(seconds);
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3_600) return `${Math.round(seconds / 3_600)} h`;
  const days = Math.round(seconds / 86_400);
  if (days < 730) return `${days} days`;
  return days < 36_500 ? `${Math.round(days / 365)} years` : 'more than a century';
}

const byteUnits = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `312 MiB`, `1.5 GiB`, `17 bytes`: three figures at most where there is a point. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return '?';
  let value = Math.max(bytes, 0);
  let unit = 0;
  // Rounding must not end at 1024 of a unit.
  while (unit < byteUnits.length - 1 && value >= 1_023.5) {
    value /= 1_024;
    unit++;
  }
  if (unit === 0) return bytes === 1 ? '1 byte' : `${Math.round(value)} bytes`;
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${byteUnits[unit]!}`;
}

/** `1,204/s`, `0.25/s`, `0/s`; slower than one in ten seconds by the minute: `3/min`. */
export function formatRate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return '?';
  if (perSecond >= 10) return `${formatCount(perSecond)}/s`;
  if (perSecond >= 0.1) return `${Number(perSecond.toPrecision(2))}/s`;
  return perSecond > 0 ? `${Number((perSecond * 60).toPrecision(2))}/min` : '0/s';
}

/** `1 reading`, `2 readings`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `2.1 ms`, `15 ms`, `1.2 s`. */
export function formatLatency(seconds: number): string {
  const ms = seconds * 1_000;
  if (ms >= 1_000) return `${Number(seconds.toPrecision(2))} s`;
  return ms >= 1 ? `${Number(ms.toPrecision(2))} ms` : `${Math.round(ms * 1_000)} µs`;
}

/** Whole, except where it would read as nothing or as all: `61 %`, `under 1 %`. */
export function formatPercent(percent: number): string {
  if (percent > 0 && percent < 1) return 'under 1 %';
  return `${percent > 99 && percent < 100 ? 99 : Math.round(percent)} %`;
}

/** Text from outside as a terminal may have it: names, topics and values must not move the cursor, nor turn the line round. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '·');
}
