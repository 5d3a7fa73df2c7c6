import { byteCount, millis, type ByteCount, type Millis } from '../base/units.ts';

/** Longest first, so that `ms` is tried before `m`; the order in which a text must name them is the same. */
const durationUnits = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

const sizeUnits: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};

export const durationPattern = /^(?=\d)(?:\d+d)?(?:\d+h)?(?:\d+m(?!s))?(?:\d+(?:\.\d+)?s)?(?:\d+ms)?$/;
export const sizePattern = /^\d+(?:\.\d+)?(?:B|KiB|MiB|GiB|TiB|kB|KB|MB|GB|TB)$/;
export const ratePattern = /^\d+(?:\.\d+)?(?:B|KiB|MiB|GiB|TiB|kB|KB|MB|GB|TB)\/s$/;
export const percentPattern = /^\d+(?:\.\d+)?%$/;

/** `1h30m`, `10s`, `1.5s`, `250ms`: units once each, large before small, whole milliseconds in sum. Null for anything else. */
export function parseDuration(text: string): Millis | null {
  if (text.length > 40 || !durationPattern.test(text)) return null;
  let total = 0;
  for (const [, number, name] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)) {
    const scale = durationUnits.find(([unit]) => unit === name)![1];
    total += Number(number) * scale;
  }
  const rounded = Math.round(total);
  if (Math.abs(total - rounded) > 1e-6 || !Number.isSafeInteger(rounded)) return null;
  return millis(rounded);
}

/** The shortest text that {@link parseDuration} reads back to the same number. */
export function formatDuration(duration: number): string {
  if (duration === 0) return '0s';
  let rest = duration;
  let text = '';
  for (const [unit, scale] of durationUnits) {
    const count = Math.floor(rest / scale);
    rest -= count * scale;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/** `512MiB` (powers of 1024) or `500MB` (powers of 1000), whole bytes. */
export function parseSize(text: string): ByteCount | null {
  if (text.length > 40 || !sizePattern.test(text)) return null;
  const [, number, unit] = /^([\d.]+)(\w+)$/.exec(text)!;
  const bytes = Number(number) * sizeUnits[unit!]!;
  return Number.isSafeInteger(bytes) ? byteCount(bytes) : null;
}

export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB'] as const) {
    const scale = sizeUnits[unit]!;
    if (bytes >= scale && bytes % scale === 0) return `${bytes / scale}${unit}`;
  }
  return `${bytes}B`;
}

/** `256KiB/s` in bytes a second. */
export function parseRate(text: string): ByteCount | null {
  return text.endsWith('/s') ? parseSize(text.slice(0, -2)) : null;
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatSize(bytesPerSecond)}/s`;
}

/** A part of a whole, or a fixed amount. */
export type Share = { readonly percent: number } | { readonly bytes: ByteCount };

/** `10%` or `1GiB`. */
export function parseShare(text: string): Share | null {
  if (text.length <= 12 && percentPattern.test(text)) return { percent: Number(text.slice(0, -1)) };
  const bytes = parseSize(text);
  return bytes === null ? null : { bytes };
}

export function formatShare(share: Share): string {
  return 'percent' in share ? `${share.percent}%` : formatSize(share.bytes);
}

const looseUnits: readonly (readonly [RegExp, string])[] = [
  [/^(ms|msecs?|millis|milliseconds?)$/i, 'ms'],
  [/^(s|secs?|seconds?)$/i, 's'],
  [/^(m|mins?|minutes?)$/i, 'm'],
  [/^(h|hrs?|hours?)$/i, 'h'],
  [/^(d|days?)$/i, 'd'],
];

/** What somebody meant who wrote `10 sec`, `5min`, or the bare number 10; null when it cannot be told. */
export function meantDuration(value: unknown): string | null {
  if (typeof value === 'number') return value >= 0 && Number.isInteger(value) ? `${value}s` : null;
  if (typeof value !== 'string' || value.length > 40) return null;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(value);
  if (match === null) return null;
  const unit = match[2] === '' ? 's' : looseUnits.find(([pattern]) => pattern.test(match[2]!))?.[1];
  const text = `${match[1]}${unit}`;
  return unit !== undefined && parseDuration(text) !== null ? text : null;
}

/** What somebody meant who wrote `512M`, `512 mib` or `1gb`. A bare number stays a riddle. */
export function meantSize(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 40) return null;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)(b?|bytes?)\s*(\/\s*s|ps)?\s*$/i.exec(value);
  if (match === null || (match[2] === '' && match[4] === '')) return null;
  const binary = match[3] !== '' || match[4] === '';
  const prefix = match[2]!.toUpperCase();
  const unit = prefix === '' ? 'B' : binary ? `${prefix}iB` : prefix === 'K' ? 'kB' : `${prefix}B`;
  const text = `${match[1]}${unit}`;
  return parseSize(text) === null ? null : `${text}${match[5] === undefined ? '' : '/s'}`;
}
