import { micros } from '../base/units.ts';
import type { Batch, Scalar, Tags } from '../reading/batch.ts';
import { qualityNames, valueAt } from '../reading/batch.ts';
import type { FilteredCount } from '../reading/journal-entry.ts';
import { formatTime, readTime } from '../reading/event-time.ts';
import { caseDifferencesMax, caseReadingsMax } from './limits.ts';
import type { Pipeline } from './pipeline.ts';
import type { StageNote, StreamBatch } from './stage.ts';

/** One case of the config's `tests:`. */
export interface PipelineCase<Input> {
  readonly name: string;
  readonly stream: string;
  readonly input: readonly Input[];
  /** Readings that must come out, in order; of each, what is named must be equal and the rest may be anything. Absent: not looked at. */
  readonly expect?: readonly ExpectedReading[] | undefined;
  /** Readings that the stream's own stages must drop. Absent: not looked at. */
  readonly expect_filtered?: number | undefined;
}

/** `null` for a value or a tag says that it must be absent. */
export interface ExpectedReading {
  /** Default: the stream of the case. */
  readonly stream?: string | undefined;
  readonly values?: Readonly<Record<string, ExpectedValue>> | undefined;
  readonly tags?: Readonly<Record<string, string | null>> | undefined;
  /** RFC 3339, compared to the microsecond. */
  readonly time?: string | undefined;
  readonly quality?: string | undefined;
}

export type ExpectedValue = number | bigint | string | boolean | null;

export interface CaseWorld<Input> {
  /** Decodes one input as the stream would: its readings, or why there are none. */
  readonly decode: (
    input: Input,
  ) => { readonly ok: true; readonly batch: Batch } | { readonly ok: false; readonly reason: string };
  /** A fresh pipeline: cases do not see each other's state. */
  readonly pipeline: Pipeline;
  /** Of another configured stream, fresh too; what stages send there goes through it. Absent, null: there is none. */
  readonly pipelineOf?: (stream: string) => Pipeline | null;
  /** Wall clock of the case. */
  readonly nowMicros: number;
}

export interface CaseResult {
  readonly name: string;
  readonly passed: boolean;
  /** One line each, empty when passed. At most {@link caseDifferencesMax}. */
  readonly differences: readonly string[];
  /** What came out, for printing. */
  readonly readings: readonly CaseReading[];
  readonly filtered: readonly FilteredCount[];
}

export interface CaseReading {
  readonly stream: string;
  readonly timeMicros: number;
  readonly quality: string;
  readonly tags: Tags;
  readonly values: Readonly<Record<string, Scalar>>;
}

/** Runs one case. Inputs go through one by one, as messages would that come slowly. */
export function runCase<Input>(testCase: PipelineCase<Input>, world: CaseWorld<Input>): CaseResult {
  const differences: string[] = [];
  const readings: CaseReading[] = [];
  const filtered = new Map<string, number>();
  for (const [index, input] of testCase.input.entries()) {
    const decoded = world.decode(input);
    if (!decoded.ok) {
      differences.push(`input ${index + 1} cannot be decoded: ${decoded.reason}`);
      continue;
    }
    const output = world.pipeline.process(decoded.batch, micros(world.nowMicros));
    for (const { stream, batch } of stagedOutputs(output.outputs, world)) {
      for (let row = 0; row < batch.length && readings.length < caseReadingsMax; row++)
        readings.push(readingAt(stream, batch, row));
    }
    for (const { rule, count } of output.filtered) filtered.set(rule, (filtered.get(rule) ?? 0) + count);
    for (const note of output.notes) differences.push(...noteDifferences(note, index));
  }
  const counts = Array.from(filtered, ([rule, count]) => ({ rule, count }));
  differences.push(
    ...readingDifferences(testCase, readings),
    ...filteredDifferences(testCase.expect_filtered, counts),
  );
  return {
    name: testCase.name,
    passed: differences.length === 0,
    differences: differences.slice(0, caseDifferencesMax),
    readings,
    filtered: counts,
  };
}

/** What comes out in the end: derived readings after the stages of the streams they are for, which do not lead back. */
function stagedOutputs(
  outputs: readonly StreamBatch[],
  world: Pick<CaseWorld<unknown>, 'pipeline' | 'pipelineOf' | 'nowMicros'>,
): StreamBatch[] {
  return outputs.flatMap((output) => {
    const pipeline = output.stream === world.pipeline.stream ? null : world.pipelineOf?.(output.stream);
    if (pipeline === null || pipeline === undefined) return [output];
    const next = pipeline.process(output.batch, micros(world.nowMicros));
    return stagedOutputs(next.outputs, { ...world, pipeline });
  });
}

/** A case that asks an expression something it cannot answer is worth a look even where the counts agree. */
function noteDifferences(note: StageNote, index: number): string[] {
  return note.kind === 'expression_failed'
    ? [`input ${index + 1}: stage ${note.rule} has no answer: ${note.sample}`]
    : [];
}

function filteredDifferences(expected: number | undefined, filtered: readonly FilteredCount[]): string[] {
  if (expected === undefined) return [];
  const count = filtered.reduce((sum, one) => sum + one.count, 0);
  if (count === expected) return [];
  const by = filtered.map((one) => `${one.rule} ${one.count}`).join(', ');
  return [`expected ${expected} readings filtered, ${count} were${by === '' ? '' : ` (${by})`}`];
}

function readingDifferences(testCase: PipelineCase<unknown>, readings: readonly CaseReading[]): string[] {
  const { expect } = testCase;
  if (expect === undefined) return [];
  const differences: string[] = [];
  for (const [index, expected] of expect.entries()) {
    const actual = readings[index];
    const label = `reading ${index + 1}`;
    if (actual === undefined)
      differences.push(`${label} is missing: expected ${JSON.stringify(expected, bigintText)}`);
    else differences.push(...fieldDifferences(label, expected, actual, testCase.stream));
  }
  for (const extra of readings.slice(expect.length, expect.length + 3)) {
    differences.push(
      `one reading too many: ${JSON.stringify({ tags: extra.tags, values: extra.values }, bigintText)}`,
    );
  }
  const more = readings.length - expect.length - 3;
  if (more > 0) differences.push(`and ${more} more`);
  return differences;
}

function fieldDifferences(
  label: string,
  expected: ExpectedReading,
  actual: CaseReading,
  stream: string,
): string[] {
  const differences: string[] = [];
  const check = (what: string, wanted: unknown, got: unknown, equal: boolean): void => {
    if (!equal) differences.push(`${label}, ${what}: expected ${shown(wanted)}, got ${shown(got)}`);
  };
  const wantedStream = expected.stream ?? stream;
  check('stream', wantedStream, actual.stream, wantedStream === actual.stream);
  if (expected.quality !== undefined)
    check('quality', expected.quality, actual.quality, expected.quality === actual.quality);
  if (expected.time !== undefined) {
    const wanted = { micros: 0, nanos: 0 };
    const problem = readTime(expected.time, 'rfc3339', wanted);
    const equal = problem === null && wanted.micros === actual.timeMicros;
    check('time', problem ?? expected.time, formatTime(actual.timeMicros), equal);
  }
  for (const [name, wanted] of Object.entries(expected.tags ?? {})) {
    const got = Object.hasOwn(actual.tags, name) ? actual.tags[name] : null;
    check(`tag ${name}`, wanted, got, wanted === got);
  }
  for (const [name, wanted] of Object.entries(expected.values ?? {})) {
    const got = Object.hasOwn(actual.values, name) ? actual.values[name]! : null;
    check(name, wanted, got, sameValue(wanted, got));
  }
  return differences;
}

/**
 * Numbers are equal when they agree to 9 significant digits, since people write 21.4 for what arithmetic makes 21.400000000000002;
 * integers wider than a double are equal exactly. Bytes are compared as lower-case hex.
 */
export function sameValue(expected: ExpectedValue, actual: Scalar | null): boolean {
  if (typeof expected === 'number' && typeof actual === 'number') {
    if (Object.is(expected, actual) || expected === actual) return true;
    return Math.abs(expected - actual) <= 1e-9 * Math.max(Math.abs(expected), Math.abs(actual));
  }
  if (actual instanceof Uint8Array)
    return typeof expected === 'string' && expected.toLowerCase() === hexOf(actual);
  if (typeof expected === 'bigint' || typeof actual === 'bigint') {
    // eslint-disable-next-line eqeqeq -- 3 and 3n are one number to whoever writes YAML
    return (
      typeof expected !== 'string' && typeof expected !== 'boolean' && expected !== null && expected == actual
    );
  }
  return expected === actual;
}

function readingAt(stream: string, batch: Batch, row: number): CaseReading {
  const values: Record<string, Scalar> = Object.create(null) as Record<string, Scalar>;
  for (const column of batch.columns) {
    const value = valueAt(column, row);
    if (value !== undefined) values[column.name] = value;
  }
  return {
    stream,
    timeMicros: batch.timeMicros[row]!,
    quality: qualityNames[batch.quality[row]!]!,
    tags: batch.series[batch.seriesIndex[row]!]!,
    values,
  };
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (value instanceof Uint8Array) return `bytes ${hexOf(value)}`;
  return JSON.stringify(value, bigintText);
}

const bigintText = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? `${value}n` : value;
