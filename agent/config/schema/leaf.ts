import * as z from 'zod';
import { listItemsLimit, namedEntriesLimit } from '../limits.ts';
import {
  durationPattern,
  formatDuration,
  formatRate,
  formatShare,
  formatSize,
  meantDuration,
  meantSize,
  parseDuration,
  parseRate,
  parseShare,
  parseSize,
  percentPattern,
  ratePattern,
  sizePattern,
} from '../units.ts';

/** What explains, prints and documents a value of the schema that is not a map or a list. */
export interface LeafNotes {
  /** For the reference: `duration`, `text`, `0, 1 or 2`. */
  readonly type: string;
  /** Ends the sentence "3 is not …". */
  readonly expected: string;
  /** Values to suggest from. */
  readonly words?: readonly string[];
  /** The input form of a parsed value; absent: the value itself. */
  readonly print?: (value: never) => unknown;
  /** What was meant by a wrong value. */
  readonly meant?: (value: unknown) => string | null;
  /** Its content is never shown. */
  readonly secret?: true;
}

/** Keyed by definition, which wrappers such as `.describe()` share. */
const notesByDefinition = new WeakMap<object, LeafNotes>();

export function leafNotes(schema: z.core.$ZodType): LeafNotes | undefined {
  return notesByDefinition.get((schema as z.ZodType).def);
}

export function leaf<S extends z.core.$ZodType>(schema: S, notes: LeafNotes): S {
  notesByDefinition.set((schema as unknown as z.ZodType).def, notes);
  return schema;
}

/** Message of a check that has nothing to add to "3 is not WHAT". An empty one the library would replace. */
export const noWords = 'not as expected';

/** `0, 1 or 2`. */
function alternatives(values: readonly unknown[]): string {
  const words = [...new Set(values.map(String))];
  return words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

export function choice<const T extends string | number>(...values: readonly [T, ...T[]]): z.ZodLiteral<T> {
  const text = alternatives(values);
  return leaf(z.literal([...values]), { type: text, expected: text, words: values.map(String) });
}

/** As {@link choice}, for names that look like numbers in YAML: every form in `accepted` gives its text. */
export function textChoice<const T extends string>(
  values: readonly [T, ...T[]],
  accepted: readonly number[],
) {
  const text = alternatives(values);
  const schema = z.literal([...values, ...accepted]).transform((value): T => String(value) as T);
  return leaf(schema, { type: text, expected: text, words: values });
}

export const flag = (): z.ZodBoolean =>
  leaf(z.boolean(), {
    type: 'true or false',
    expected: 'true or false',
    meant: (value) => {
      const word = String(value).toLowerCase();
      if (['yes', 'on', '1', 'true'].includes(word)) return 'true';
      return ['no', 'off', '0', 'false'].includes(word) ? 'false' : null;
    },
  });

/** A whole number within `min` … `max`. */
export function integer(min: number, max: number): z.ZodInt {
  const range = `${grouped(min)} to ${grouped(max)}`;
  return leaf(z.int().min(min).max(max), {
    type: `whole number, ${range}`,
    expected: `a whole number from ${range}`,
  });
}

export function real(notes: { min?: number; max?: number; what?: string } = {}): z.ZodNumber {
  let schema = z.number();
  if (notes.min !== undefined) schema = schema.min(notes.min);
  if (notes.max !== undefined) schema = schema.max(notes.max);
  const range =
    notes.min === undefined
      ? ''
      : notes.max === undefined
        ? `, at least ${notes.min}`
        : `, ${notes.min} to ${notes.max}`;
  return leaf(schema, { type: `number${range}`, expected: notes.what ?? `a number${range}` });
}

export interface TextNotes {
  /** `a path`; ends "5 is not …". */
  readonly what: string;
  readonly type?: string;
  /** Characters, default 1 … 1024. */
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
  /** What is wrong with a text of the right length: a sentence after the value and a colon, '' for "is not WHAT"; null: nothing. */
  readonly problem?: (text: string) => string | null;
}

export function text(notes: TextNotes): z.ZodString {
  let schema = z
    .string()
    .min(notes.min ?? 1)
    .max(notes.max ?? 1024);
  if (notes.pattern !== undefined) schema = schema.regex(notes.pattern);
  const { problem } = notes;
  if (problem !== undefined) {
    schema = schema.superRefine((value, context) => {
      const message = problem(value);
      if (message !== null) context.addIssue({ code: 'custom', message: message === '' ? noWords : message });
    });
  }
  return leaf(schema, { type: notes.type ?? 'text', expected: notes.what });
}

interface UnitNotes<T> {
  readonly type: string;
  readonly example: string;
  readonly pattern: RegExp;
  readonly parse: (text: string) => T | null;
  readonly print: (value: T) => string;
  readonly meant: (value: unknown) => string | null;
  /** The value's place in the range, in base units; null: no range. */
  readonly size: (value: T) => number | null;
}

interface Range {
  readonly min: string;
  readonly max: string;
  /** Why nothing smaller will do. */
  readonly minReason?: string | undefined;
}

/** A text with a unit; `min` and `max` in the same notation, both allowed. */
function withUnit<T>(unit: UnitNotes<T>, range: Range) {
  const bounds = [range.min, range.max].map((end) => unit.size(unit.parse(end)!)!);
  const expected = `${unit.example}, ${range.min} to ${range.max}`;
  const schema = z
    .string()
    .regex(unit.pattern)
    .transform((value, context): T => {
      const parsed = unit.parse(value);
      const size = parsed === null ? Number.NaN : unit.size(parsed);
      if (parsed !== null && (size === null || (size >= bounds[0]! && size <= bounds[1]!))) return parsed;
      context.addIssue({ code: 'custom', message: outOfRange(size, bounds, range), input: value });
      return z.NEVER;
    });
  return leaf(schema, {
    type: `${unit.type}, ${range.min} to ${range.max}`,
    expected,
    print: unit.print,
    meant: (value) => {
      const meant = unit.meant(value);
      return meant !== null && meant !== value && schema.safeParse(meant).success ? meant : null;
    },
  });
}

function outOfRange(size: number | null, [least, most]: readonly number[], range: Range): string {
  if (size !== null && size < least!) {
    const why = range.minReason === undefined ? '' : `: ${range.minReason}`;
    return `is less than ${range.min}, the least there may be${why}`;
  }
  return size !== null && size > most! ? `is more than ${range.max}, the most there may be` : noWords;
}

export const duration = (min: string, max: string) =>
  withUnit(
    {
      type: 'duration',
      example: 'a duration with its unit such as 10s or 1h30m',
      pattern: durationPattern,
      parse: parseDuration,
      print: formatDuration,
      meant: meantDuration,
      size: (value) => value,
    },
    { min, max },
  );

export const size = (min: string, max: string, minReason?: string) =>
  withUnit(
    {
      type: 'size',
      example: 'a size with its unit such as 512MiB',
      pattern: sizePattern,
      parse: parseSize,
      print: formatSize,
      meant: meantSize,
      size: (value) => value,
    },
    { min, max, minReason },
  );

export const rate = (min: string, max: string) =>
  withUnit(
    {
      type: 'rate',
      example: 'a rate with its unit such as 256KiB/s',
      pattern: ratePattern,
      parse: parseRate,
      print: formatRate,
      meant: (value) => {
        const meant = meantSize(value);
        return meant === null || meant.endsWith('/s') ? meant : `${meant}/s`;
      },
      size: (value) => value,
    },
    { min, max },
  );

/** A percentage 0 … 95 of the whole, or a size. */
export const share = () =>
  withUnit(
    {
      type: 'percentage or size',
      example: 'a percentage or size such as 10% or 1GiB',
      pattern: new RegExp(`${percentPattern.source}|${sizePattern.source}`),
      parse: parseShare,
      print: formatShare,
      meant: (value) => (typeof value === 'number' ? `${value}%` : meantSize(value)),
      size: (value) => ('percent' in value ? value.percent : null),
    },
    { min: '0%', max: '95%' },
  );

export interface Listen {
  /** Name or address, without brackets. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export const listen = () => {
  const expected = 'a host and a port such as 127.0.0.1:1883';
  const schema = z
    .string()
    .regex(/^(?:\[[0-9a-fA-F:.%\w]+\]|[\w.-]+):\d{1,5}$/)
    .transform((value, context): Listen => {
      const colon = value.lastIndexOf(':');
      const port = Number(value.slice(colon + 1));
      if (port > 65_535) context.addIssue({ code: 'custom', message: `port ${port} is above 65535` });
      return { host: value.slice(0, colon).replaceAll(/[[\]]/g, ''), port };
    });
  return leaf(schema, {
    type: 'host:port',
    expected,
    print: (value: Listen) => formatListen(value),
    meant: (value) =>
      /^:?\d{1,5}$/.test(String(value)) ? `127.0.0.1:${String(value).replace(':', '')}` : null,
  });
};

export function formatListen(value: Listen): string {
  return `${value.host.includes(':') ? `[${value.host}]` : value.host}:${value.port}`;
}

/** An absolute URL with one of these schemes. Credentials in it would end up in logs: they are refused. */
export function url(schemes: readonly string[]): z.ZodString {
  const expected = `a URL such as ${schemes[1] ?? schemes[0]}://host`;
  return text({
    what: expected,
    type: `URL (${schemes.join(', ')})`,
    max: 2048,
    problem: (value) => {
      if (!URL.canParse(value)) return '';
      const parsed = new URL(value);
      const scheme = parsed.protocol.slice(0, -1);
      if (!schemes.includes(scheme))
        return `${scheme}:// is not possible here; use ${alternatives(schemes.map((s) => `${s}://`))}`;
      if (parsed.hostname === '') return '';
      if (parsed.username !== '' || parsed.password !== '') {
        return 'a URL must not hold a user name or password; give them as keys of their own, the password as { secret: NAME }';
      }
      return null;
    },
  });
}

export const path = (): z.ZodString =>
  text({
    what: 'a path',
    type: 'path',
    max: 4096,
    problem: (value) => (value.includes('\0') ? 'a path holds no NUL' : null),
  });

/** Names people give to sources, streams, uplinks, secrets. They become file names, topics and labels. */
const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

export const name = (): z.ZodString =>
  text({
    what: 'a name: letters, digits, _ . and -, at most 64',
    type: 'name',
    max: 64,
    pattern: namePattern,
    // A record of names is a plain object; these would be found in it without being there.
    problem: (value) => (value in {} ? 'a word that JavaScript keeps for itself; choose another name' : null),
  });

export const secret = () =>
  leaf(z.strictObject({ secret: name() }), {
    type: '{ secret: NAME }',
    expected: 'a reference { secret: NAME } to a stored secret; its content must not stand in the config',
    secret: true,
  });

/** Named things: `line: {…}`. */
export const named = <S extends z.ZodType>(value: S) =>
  z.record(name(), value).superRefine((entries, context) => {
    if (Object.keys(entries).length > namedEntriesLimit) {
      context.addIssue({ code: 'custom', message: `holds more than ${namedEntriesLimit} entries` });
    }
  });

export const list = <S extends z.ZodType>(item: S, limits: { min?: number; max?: number } = {}) =>
  z
    .array(item)
    .min(limits.min ?? 0)
    .max(limits.max ?? listItemsLimit);

function grouped(number: number): string {
  return Number.isSafeInteger(number) && Math.abs(number) < 1e15 ? String(number) : number.toExponential();
}
