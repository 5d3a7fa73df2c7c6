import { messageOf } from '../base/errors.ts';
import { receiverLimits } from './limits.ts';

/** One reading as it arrived: its key, and the line that is stored unchanged. */
export interface ReceivedLine {
  readonly agent: string;
  /** Names the buffer the offset counts in; '' when the line says none. */
  readonly epoch: string;
  readonly stream: string;
  readonly offset: number;
  /** One past the last offset the line tells of: `offset + 1` of a raw reading. */
  readonly until: number;
  /** `raw`, or of a summary `segment`, `window`, `sketch`. */
  readonly fidelity: string;
  readonly line: string;
  /** The parsed object, for rules that look into it. */
  readonly reading: Readonly<Record<string, unknown>>;
}

export type ParsedLines =
  | { readonly ok: true; readonly lines: readonly ReceivedLine[] }
  /** `line` counted from 1. */
  | { readonly ok: false; readonly line: number; readonly message: string };

const decoder = new TextDecoder('utf-8', { fatal: true });

/** NDJSON into readings. All or nothing: the first bad line is the answer. */
export function parseLines(body: Uint8Array): ParsedLines {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch {
    return { ok: false, line: 1, message: 'the body is not UTF-8' };
  }
  const lines: ReceivedLine[] = [];
  let number = 0;
  for (let from = 0; from < text.length;) {
    const newline = text.indexOf('\n', from);
    const end = newline < 0 ? text.length : newline;
    number++;
    if (end - from > receiverLimits.lineBytesMax)
      return { ok: false, line: number, message: 'the line is too long' };
    const line = text.slice(from, end).trim();
    from = end + 1;
    if (line === '') continue;
    const parsed = parseLine(line);
    if (typeof parsed === 'string') return { ok: false, line: number, message: parsed };
    lines.push(parsed);
  }
  return { ok: true, lines };
}

/** One line, or what is wrong with it. */
export function parseLine(line: string): ReceivedLine | string {
  let reading: unknown;
  try {
    reading = JSON.parse(line);
  } catch (error) {
    return `not JSON: ${messageOf(error).slice(0, 100)}`;
  }
  if (typeof reading !== 'object' || reading === null || Array.isArray(reading)) return 'not a JSON object';
  const { agent, epoch = '', stream, offset } = reading as Record<string, unknown>;
  if (!isName(agent)) return '"agent" is not a name';
  if (epoch !== '' && !isName(epoch)) return '"epoch" is not a name';
  if (!isName(stream)) return '"stream" is not a name';
  if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0)
    return '"offset" is not a whole number from 0 on';
  const span = spanOf(reading as Record<string, unknown>, offset);
  if (typeof span === 'string') return span;
  return { agent, epoch, stream, offset, ...span, line, reading: reading as Record<string, unknown> };
}

const fidelities: readonly unknown[] = ['segment', 'window', 'sketch'];

/** Lines that say no fidelity, or one that is not known, are raw readings. */
export function spanOf(
  reading: Readonly<Record<string, unknown>>,
  offset: number,
): Pick<ReceivedLine, 'until' | 'fidelity'> | string {
  const { fidelity, until } = reading;
  if (!fidelities.includes(fidelity)) return { until: offset + 1, fidelity: 'raw' };
  if (typeof until !== 'number' || !Number.isSafeInteger(until) || until <= offset)
    return '"until" is not a whole number above "offset"';
  return { until, fidelity: fidelity as string };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= receiverLimits.nameLengthMax;
}
