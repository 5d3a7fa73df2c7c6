import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import { bytesOfBase64 } from './base64.ts';
import { Quality, type Scalar, type Tags } from './batch.ts';
import { mayHoldLongInteger, parseJson, utf8Text } from './decode/json-text.ts';
import { oneLine, Undecodable } from './decode/undecodable.ts';
import { readTime } from './event-time.ts';
import { fieldsPerBatchLimit, ndjsonLineLengthLimit, ndjsonLinesLimit } from './limits.ts';
import { tagsOf } from './tag-table.ts';

/** One line of an uplink, read. */
export interface NdjsonReading {
  readonly agent: string;
  /** 16 hex digits; '' when the line has none, as those of agents before epochs. */
  readonly epoch: string;
  readonly stream: string;
  readonly offset: number;
  readonly timeMicros: number;
  readonly timeNanos: number;
  readonly quality: Quality;
  readonly fidelity: string;
  /** What a summary stands for; null for a raw reading. */
  readonly span: SummarySpan | null;
  readonly tags: Tags;
  readonly values: ReadonlyMap<string, Scalar>;
}

/** `count` readings; the last has offset `until - 1`, and no event time is after `end`. */
export interface SummarySpan {
  readonly until: number;
  readonly count: number;
  readonly endMicros: number;
}

/**
 * Reads what `encodeNdjson` writes, strictly: every member there (only `epoch` may be absent) and of its type, no other member,
 * nothing repaired. One bad line refuses the body; the error names the line.
 */
export function decodeNdjson(body: Uint8Array): Result<NdjsonReading[], string> {
  const readings: NdjsonReading[] = [];
  let line = 0;
  try {
    const text = utf8Text(body);
    const mayHoldLong = mayHoldLongInteger(body);
    for (let from = 0; from < text.length;) {
      line++;
      const end = text.indexOf('\n', from);
      const to = end === -1 ? text.length : end;
      check(to - from <= ndjsonLineLengthLimit, 'the line is too long');
      check(line <= ndjsonLinesLimit, 'too many lines');
      readings.push(readingOf(parseJson(text.slice(from, to), mayHoldLong)));
      from = to + 1;
    }
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return fail(oneLine(line === 0 ? error.message : `line ${line}: ${error.message}`));
  }
  return ok(readings);
}

const members = ['agent', 'epoch', 'stream', 'offset', 'time', 'quality', 'fidelity', 'tags', 'values'];
const spanMembers = ['until', 'count', 'end'];
const fidelities = ['raw', 'segment', 'window', 'sketch'];

function readingOf(line: unknown): NdjsonReading {
  const reading = objectOf(line, 'the line');
  for (const member of Object.keys(reading))
    check(
      members.includes(member) || (reading['fidelity'] !== 'raw' && spanMembers.includes(member)),
      `${member} is no member of a reading`,
    );
  const time = { micros: 0, nanos: 0 };
  const problem = readTime(textOf(reading, 'time'), 'rfc3339', time);
  check(problem === null, `time: ${problem}`);
  const offset = reading['offset'];
  check(
    typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0,
    'offset is no integer from 0 on',
  );
  const fidelity = textOf(reading, 'fidelity');
  check(fidelities.includes(fidelity), `fidelity is none of ${fidelities.join(', ')}`);
  return {
    agent: textOf(reading, 'agent'),
    epoch: epochIn(reading),
    stream: textOf(reading, 'stream'),
    offset,
    timeMicros: time.micros,
    timeNanos: time.nanos,
    quality: qualityOf(textOf(reading, 'quality')),
    fidelity,
    span: fidelity === 'raw' ? null : spanIn(reading, { offset, timeMicros: time.micros }),
    tags: tagsIn(reading),
    values: valuesIn(reading),
  };
}

function spanIn(reading: Record<string, unknown>, from: { offset: number; timeMicros: number }): SummarySpan {
  const { until, count } = reading;
  check(
    typeof until === 'number' && Number.isSafeInteger(until) && until > from.offset,
    'until is no offset behind',
  );
  check(
    typeof count === 'number' && Number.isSafeInteger(count) && count >= 1 && count <= until - from.offset,
    'count is not of 1 … until - offset',
  );
  const end = { micros: 0, nanos: 0 };
  const problem = readTime(textOf(reading, 'end'), 'rfc3339', end);
  check(problem === null, `end: ${problem}`);
  check(end.micros >= from.timeMicros, 'end is before time');
  return { until, count, endMicros: end.micros };
}

function epochIn(reading: Record<string, unknown>): string {
  if (reading['epoch'] === undefined) return '';
  const epoch = textOf(reading, 'epoch');
  check(/^[0-9a-f]{16}$/.test(epoch), 'epoch is not 16 hex digits');
  return epoch;
}

function qualityOf(word: string): Quality {
  check(Object.hasOwn(Quality, word), 'quality is none of good, uncertain, bad');
  return Quality[word as keyof typeof Quality];
}

function tagsIn(reading: Record<string, unknown>): Tags {
  const pairs = Object.entries(objectOf(reading['tags'], 'tags'));
  check(pairs.length <= fieldsPerBatchLimit, 'too many tags');
  for (const [name, value] of pairs) check(typeof value === 'string', `tag ${name} is no text`);
  return tagsOf(pairs as [string, string][]);
}

function valuesIn(reading: Record<string, unknown>): Map<string, Scalar> {
  const pairs = Object.entries(objectOf(reading['values'], 'values'));
  check(pairs.length <= fieldsPerBatchLimit, 'too many values');
  return new Map(pairs.map(([name, value]) => [name, scalarOf(name, value)]));
}

function scalarOf(name: string, value: unknown): Scalar {
  if (typeof value === 'number')
    check(Number.isFinite(value), `value ${name} is beyond the range of a double`);
  if (typeof value !== 'object') return value as Scalar;
  const { base64, number, ...rest } = objectOf(value, `value ${name}`);
  check(Object.keys(rest).length === 0, `value ${name} is no scalar`);
  if (base64 === undefined) {
    check(typeof number === 'string' && notFinite.has(number), `value ${name} is no scalar`);
    return Number(number);
  }
  check(typeof base64 === 'string' && number === undefined, `value ${name} is no scalar`);
  const decoded = bytesOfBase64(base64);
  check(decoded !== null, `value ${name} is no base64`);
  return decoded;
}

const notFinite: ReadonlySet<string> = new Set(['NaN', 'Infinity', '-Infinity']);

function textOf(reading: Record<string, unknown>, member: string): string {
  const value = reading[member];
  check(typeof value === 'string', `${member} is ${value === undefined ? 'missing' : 'no text'}`);
  return value;
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  check(typeof value === 'object' && value !== null && !Array.isArray(value), `${what} is no object`);
  return value as Record<string, unknown>;
}

function check(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new Undecodable('structure', problem);
}
