import type { TimeUnit } from '../event-time.ts';

export const decodeFormats = ['json', 'ndjson', 'cbor', 'influx', 'csv', 'number', 'text', 'raw'] as const;
export type DecodeFormat = (typeof decodeFormats)[number];

/** The `decode:` object of a stream's configuration. Paths name nested fields: `motor.bearing.temp`, `axes.0`. */
export interface DecodeOptions {
  readonly format: DecodeFormat;
  /** Bytes of a payload, of a line of ndjson; default `payloadBytesLimit`. */
  readonly max_payload?: number | undefined;
  /** Path of the event time; absent: the time of arrival. Influx lines bring their own. */
  readonly time?: string | undefined;
  /** Default `auto`; for influx `ns`. */
  readonly time_unit?: TimeUnit | undefined;
  /** json, ndjson, cbor: path of an array whose items are readings; its siblings are shared by all of them. */
  readonly readings?: string | undefined;
  /** Fields that become tags instead of values: paths, or tag name → path. */
  readonly tags?: readonly string[] | Readonly<Record<string, string>> | undefined;
  /** Path of the quality: good, uncertain, bad; true, false; or an OPC UA status code. */
  readonly quality?: string | undefined;
  /** The only values to take: paths, or new name → path. Absent: all. */
  readonly fields?: readonly string[] | Readonly<Record<string, string>> | undefined;
  /** csv: names of the columns; '' leaves one out. */
  readonly columns?: readonly string[] | undefined;
  /** csv: whether each payload begins with a line of names. Default: yes, unless `columns` is given. */
  readonly header?: boolean | undefined;
  /** csv: one character, default `,`. */
  readonly delimiter?: string | undefined;
  /** influx: the tag that carries the measurement, default `measurement`; '' leaves it out. */
  readonly measurement?: string | undefined;
}

/** Keys of {@link DecodeOptions} beside `format`, and the formats that know them. */
export const decodeOptionKeys = {
  max_payload: decodeFormats,
  time: ['json', 'ndjson', 'cbor', 'influx', 'csv'],
  time_unit: ['json', 'ndjson', 'cbor', 'influx', 'csv'],
  readings: ['json', 'ndjson', 'cbor'],
  tags: ['json', 'ndjson', 'cbor', 'influx', 'csv'],
  quality: ['json', 'ndjson', 'cbor', 'influx', 'csv'],
  fields: decodeFormats,
  columns: ['csv'],
  header: ['csv'],
  delimiter: ['csv'],
  measurement: ['influx'],
} as const satisfies Record<Exclude<keyof DecodeOptions, 'format'>, readonly DecodeFormat[]>;

/** The same for payloads written otherwise: what the other format does not know is left out. */
export function optionsFor(format: DecodeFormat, options: DecodeOptions): DecodeOptions {
  const known = Object.entries(decodeOptionKeys).filter(
    ([key, formats]) =>
      (formats as readonly string[]).includes(format) && (key !== 'time_unit' || options.time !== undefined),
  );
  return {
    format,
    ...Object.fromEntries(known.map(([key]) => [key, options[key as keyof typeof decodeOptionKeys]])),
  };
}

/** What is wrong with decode options, as a key and a line, or null. Types are taken as checked. */
export function decodeProblem(options: DecodeOptions): { key: string; problem: string } | null {
  for (const [key, formats] of Object.entries(decodeOptionKeys)) {
    const given = options[key as keyof typeof decodeOptionKeys] !== undefined;
    if (given && !(formats as readonly string[]).includes(options.format)) {
      return { key, problem: `format ${options.format} has no ${key}; it is for ${formats.join(', ')}` };
    }
  }
  if (options.time_unit !== undefined && options.time === undefined && options.format !== 'influx') {
    return { key: 'time_unit', problem: 'time_unit needs time: the field that holds the event time' };
  }
  if (options.format === 'influx' && options.time_unit === 'rfc3339') {
    return { key: 'time_unit', problem: 'influx lines end in a number: s, ms, us or ns' };
  }
  return csvProblem(options);
}

function csvProblem(options: DecodeOptions): { key: string; problem: string } | null {
  const { delimiter, header, columns } = options;
  if (options.format !== 'csv') return null;
  if (delimiter !== undefined && (delimiter.length !== 1 || '"\r\n'.includes(delimiter))) {
    return { key: 'delimiter', problem: 'a delimiter is one character, no quote and no line break' };
  }
  if (header === false && columns === undefined) {
    return { key: 'columns', problem: 'csv without a header needs columns' };
  }
  const named = (columns ?? []).filter((name) => name !== '');
  if (new Set(named).size !== named.length) return { key: 'columns', problem: 'two columns have one name' };
  return null;
}

/** Pairs of name and path, from either notation. */
export function namedPaths(
  paths: readonly string[] | Readonly<Record<string, string>> | undefined,
): readonly (readonly [name: string, path: string])[] {
  if (paths === undefined) return [];
  if (Array.isArray(paths)) return (paths as readonly string[]).map((path) => [path, path]);
  return Object.entries(paths as Readonly<Record<string, string>>);
}
