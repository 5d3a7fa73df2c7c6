import type { Micros } from '../base/units.ts';
import type { LogFields, LogLevel } from '../ports/telemetry.ts';
import { limits } from './limits.ts';
import { redact } from './redact.ts';

/**
 * `journald`: `<N>` before the text, fields after it, no time (the journal keeps it). `pretty`: for people. `json`,
 * `logfmt`: for programs.
 */
export type LogFormat = 'journald' | 'pretty' | 'json' | 'logfmt';

export interface LogRecord {
  readonly wallMicros: Micros;
  readonly level: LogLevel;
  /** Name of the event, `room_what_happened`. */
  readonly event: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** Syslog severities (RFC 5424 §6.2.1). */
const priorities = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 } as const satisfies Record<
  LogLevel,
  number
>;

/** True when a record of `level` is printed at `threshold`. */
export function isPrinted(level: LogLevel, threshold: LogLevel): boolean {
  return priorities[level] <= priorities[threshold];
}

/** One line without its end. */
export function formatLine(record: LogRecord, format: LogFormat, colour: boolean): string {
  switch (format) {
    case 'journald':
      return `<${priorities[record.level]}>${record.event}: ${clip(record.message)}${pairs(record.fields)}`;
    case 'json':
      return JSON.stringify({
        time: timeText(record.wallMicros),
        level: record.level,
        event: record.event,
        message: clip(record.message),
        ...prefixed(record.fields),
      });
    case 'logfmt':
      return `time=${timeText(record.wallMicros)} level=${record.level} event=${record.event} message=${quoted(clip(record.message))}${pairs(record.fields)}`;
    case 'pretty':
      return colour ? colourful(record) : plain(record);
  }
}

function plain(record: LogRecord): string {
  return `${timeText(record.wallMicros)} ${record.level.padEnd(7)} ${record.event}: ${clip(record.message)}${pairs(record.fields)}`;
}

/** SGR codes: red, yellow, cyan, none, dim. */
const colours = { error: '31;1', warning: '33', notice: '36', info: '0', debug: '2' } as const;

function colourful(record: LogRecord): string {
  const clock = timeText(record.wallMicros).slice(11, 23);
  const fields = pairs(record.fields);
  const dim = fields === '' ? '' : `\u001b[2m${fields}\u001b[0m`;
  return `\u001b[2m${clock}\u001b[0m \u001b[${colours[record.level]}m${record.level.padEnd(7)}\u001b[0m ${record.event}: ${clip(record.message)}${dim}`;
}

/** RFC 3339 in UTC with milliseconds. */
function timeText(wallMicros: Micros): string {
  return new Date(Math.floor(wallMicros / 1_000)).toISOString();
}

function clip(text: string): string {
  const clean = redact(text.length > limits.logValueChars ? text.slice(0, limits.logValueChars) : text);
  return text.length > limits.logValueChars ? `${clean}…` : clean;
}

function pairs(fields: LogFields): string {
  let text = '';
  for (const name of Object.keys(fields).slice(0, limits.logFields)) {
    const value = fields[name]!;
    text += ` ${name}=${typeof value === 'string' ? quoted(clip(value)) : value}`;
  }
  return text;
}

function quoted(value: string): string {
  return value !== '' && !/[\s"=]/.test(value) ? value : `"${value.replaceAll('"', '\\"')}"`;
}

/** Fields never cover the record's own keys. */
const ownKeys = new Set(['time', 'level', 'event', 'message']);

function prefixed(fields: LogFields): Record<string, string | number | boolean> {
  const safe: Record<string, string | number | boolean> = {};
  for (const name of Object.keys(fields).slice(0, limits.logFields)) {
    const value = fields[name]!;
    safe[ownKeys.has(name) ? `field_${name}` : name] =
      typeof value === 'string'
        ? clip(value)
        : typeof value === 'number' && !Number.isFinite(value)
          ? String(value)
          : value;
  }
  return safe;
}
