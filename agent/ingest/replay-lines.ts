import { parseJson } from '../reading/decode/json-text.ts';
import { formatTime, readTime, type EventTime, type TimeUnit } from '../reading/event-time.ts';

export interface ReplayFormat {
  readonly format: 'ndjson' | 'csv';
  /** Topic of lines that name none. */
  readonly topic: string;
  /** Field or column with the time of a line. */
  readonly time: string;
  readonly timeUnit: TimeUnit;
}

/** One message of a recording. */
export interface ReplayMessage {
  readonly topic: string;
  /** Event time of the line in microseconds, or null when it has none. */
  readonly timeMicros: number | null;
  /** The payload with its times moved on by so many microseconds. */
  payload(shiftMicros: number): Uint8Array;
}

type Fields = Record<string, unknown>;

/**
 * Lines of a recording as messages. NDJSON: `{"topic": …, "payload": …}`, or any other object, which is then the payload itself. CSV: the first
 * line names the columns; a row becomes a JSON object. What is no such line is sent as it is: the decoder says what is wrong.
 */
export class ReplayLines {
  readonly #format: ReplayFormat;
  #columns: readonly string[] | null = null;

  constructor(format: ReplayFormat) {
    this.#format = format;
  }

  /** Null for the line of column names. */
  read(bytes: Uint8Array): ReplayMessage | null {
    if (this.#format.format === 'ndjson') return this.#ndjson(bytes);
    const cells = splitCsv(decoder.decode(bytes));
    if (this.#columns === null) {
      this.#columns = cells;
      return null;
    }
    const row: Fields = {};
    for (const [i, name] of this.#columns.entries()) {
      const cell = cells[i];
      if (cell !== undefined && cell !== '') row[name] = numberPattern.test(cell) ? Number(cell) : cell;
    }
    return this.#object(row);
  }

  #ndjson(bytes: Uint8Array): ReplayMessage {
    try {
      const value: unknown = parseJson(decoder.decode(bytes), false);
      if (isFields(value)) return this.#object(value, bytes);
    } catch {
      // Sent as it is.
    }
    return { topic: this.#format.topic, timeMicros: null, payload: () => bytes };
  }

  #object(line: Fields, bytes?: Uint8Array): ReplayMessage {
    const { topic: defaultTopic, time, timeUnit } = this.#format;
    const topic = typeof line['topic'] === 'string' && line['topic'] !== '' ? line['topic'] : defaultTopic;
    const wrapped = 'payload' in line;
    const content = wrapped ? line['payload'] : line;
    const at = timeOf(line, time, timeUnit) ?? (isFields(content) ? timeOf(content, time, timeUnit) : null);
    return {
      topic,
      timeMicros: at,
      payload: (shiftMicros) => {
        if (typeof content === 'string') return encoder.encode(content);
        if (shiftMicros === 0 && !wrapped && bytes !== undefined) return bytes;
        const moved =
          isFields(content) && shiftMicros !== 0 ? shifted(content, time, timeUnit, shiftMicros) : content;
        return encoder.encode(JSON.stringify(moved));
      },
    };
  }
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const numberPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function timeOf(fields: Fields, name: string, unit: TimeUnit): number | null {
  const value = fields[name];
  if (typeof value !== 'number' && typeof value !== 'string') return null;
  const out: EventTime = { micros: 0, nanos: 0 };
  return readTime(value, unit, out) === null ? out.micros : null;
}

/** A copy whose time field says the same time later, in the way it was written. */
function shifted(fields: Fields, name: string, unit: TimeUnit, shiftMicros: number): Fields {
  const value = fields[name];
  const micros = timeOf(fields, name, unit);
  if (micros === null) return fields;
  if (typeof value === 'string') return { ...fields, [name]: formatTime(micros + shiftMicros) };
  // A number in an unknown unit: the ratio of the parsed time to it is the unit.
  const perUnit = value === 0 ? 1 : micros / (value as number);
  return { ...fields, [name]: Number(value) + Math.round(shiftMicros / perUnit) };
}

/** RFC 4180, one line: quotes may hold commas and doubled quotes, not line ends. */
function splitCsv(line: string): string[] {
  const cells: string[] = [];
  let at = 0;
  while (at <= line.length) {
    if (line[at] === '"') {
      let cell = '';
      at++;
      for (;;) {
        const quote = line.indexOf('"', at);
        if (quote < 0) {
          cell += line.slice(at);
          at = line.length;
          break;
        }
        cell += line.slice(at, quote);
        at = quote + 1;
        if (line[at] !== '"') break;
        cell += '"';
        at++;
      }
      cells.push(cell);
      const comma = line.indexOf(',', at);
      if (comma < 0) break;
      at = comma + 1;
      continue;
    }
    const comma = line.indexOf(',', at);
    if (comma < 0) {
      cells.push(line.slice(at).trim());
      break;
    }
    cells.push(line.slice(at, comma).trim());
    at = comma + 1;
  }
  return cells;
}
