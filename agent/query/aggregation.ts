import type { Batch, Column, Tags } from '../reading/batch.ts';
import { Quality } from '../reading/batch.ts';
import { formatTime } from '../reading/event-time.ts';
import { AnswerBudget } from './answer-budget.ts';
import { type AnswerJson, type RowJson, type Rung } from './answer.ts';
import type { CoarseReading } from './coarse.ts';
import type { Span } from './cover.ts';
import { coverageJson, type Gaps } from './coverage.ts';
import { cellOf, type Range } from './cell.ts';
import { Group, needsOf, type FieldNeeds, type Within } from './group.ts';
import { Names } from './names.ts';
import { Straddling } from './straddling.ts';
import type { Key, Query } from './query.ts';
import type { Summary } from './summary.ts';

/** A rolled-up window of one series. */
export interface RolledWindow {
  readonly tags: Tags;
  readonly span: Span;
  /** Readings of any quality, and the bad ones among them. */
  readonly readings: number;
  readonly bad: number;
  field(name: string): Summary | undefined;
  /** Values of the field are not rolled up: that it is not here says nothing. */
  leftOut(name: string): boolean;
  /** Its numbers are. */
  rolled(name: string): boolean;
}

/** Takes in readings and summaries in any order, and makes the rows of the answer. Time ranges are the caller's: it gives nothing twice. */
export class Aggregation {
  readonly query: Query;
  readonly needs: readonly FieldNeeds[];
  readonly names = new Names();
  readonly #budget = new AnswerBudget();
  readonly #groups = new Map<string, Group>();
  readonly #latest = new WeakMap<Tags, { stream: string; begin: number; group: Group }>();
  readonly #windowMicros: number | null;
  readonly #readings: Record<Rung, number> = { raw: 0, segment: 0, window: 0, sketch: 0 };
  readonly #straddling = new Straddling();
  readonly #unknown: { readonly stream: string; readonly span: Span }[] = [];
  #bad = 0;

  constructor(query: Query) {
    this.query = query;
    this.needs = needsOf(query);
    const window = query.keys.find((key) => key.kind === 'window');
    this.#windowMicros = window?.kind === 'window' ? window.micros : null;
  }

  /** Columns a scan needs. */
  get fields(): readonly string[] {
    return this.needs.map(({ name }) => name);
  }

  /** Length of the answer's windows; null: it has none. */
  get grain(): number | null {
    return this.#windowMicros;
  }

  /** What of each field windows do not answer, though they stand for its readings; null where they answer all. */
  within({ leftOut, rolled }: Pick<RolledWindow, 'leftOut' | 'rolled'>): readonly Within[] | null {
    const within = this.needs.map(({ name, distinct, top, counted }): Within => {
      const numbers = leftOut(name) && !rolled(name);
      return { numbers, others: leftOut(name) && (counted || numbers), items: distinct || top > 0 };
    });
    return within.some(({ others, items }) => others || items) ? within : null;
  }

  matches(tags: Tags): boolean {
    return this.query.filters.every(({ tag, not, values }) => {
      const value = Object.hasOwn(tags, tag) ? tags[tag]! : null;
      return (value !== null && values.includes(value)) !== not;
    });
  }

  /** Takes readings of `batch` within one of the spans, which are disjoint. `within`: windows stand for them, and only this is taken of them. */
  scan(batch: Batch, spans: readonly Span[], within: readonly Within[] | null = null): void {
    if (spans.length === 0) return;
    this.names.batch(batch);
    const matching = batch.series.map((tags) => this.matches(tags));
    const columns = this.needs.map(({ name }) => batch.columns.find((column) => column.name === name));
    // The group of each series, while readings stay within one window of the answer.
    let groups: (Group | undefined)[] = [];
    let windowEnd = -Infinity;
    let windowBegin = Infinity;
    let span: Span | undefined;
    const length = this.#windowMicros;
    for (let row = 0; row < batch.length; row++) {
      const time = batch.timeMicros[row]!;
      if (span === undefined || time < span.from || time >= span.until) {
        span = spans.find((one) => time >= one.from && time < one.until);
        if (span === undefined) continue;
      }
      const series = batch.seriesIndex[row]!;
      if (matching[series] !== true) continue;
      if (length !== null && (time < windowBegin || time >= windowEnd)) {
        groups = [];
        windowBegin = Math.floor(time / length) * length;
        windowEnd = windowBegin + length;
      }
      const group = (groups[series] ??= this.#group(batch.stream, batch.series[series]!, time));
      const bad = batch.quality[row] === Quality.bad;
      this.#readings.raw++;
      if (within !== null) {
        if (this.#readings.sketch > 0) this.#readings.sketch--;
        if (!bad) takeWithin(group, { columns, row, within });
        continue;
      }
      group.readings++;
      group.noteTimes(time, time);
      if (bad) this.#bad++;
      else takeRow(group, columns, row);
    }
  }

  /** What is left of some readings. Over an edge it counts where its middle lies, and the answer says so. */
  takeCoarse(stream: string, record: CoarseReading, spans: readonly Span[]): void {
    this.names.tags(record.tags);
    if (!this.matches(record.tags)) return;
    const { firstMicros: first, lastMicros: last } = record;
    const middle = first + Math.floor((last - first) / 2);
    const touched = spans.filter(({ from, until }) => last >= from && first < until);
    if (touched.length === 0) return;
    const home = touched.find(({ from, until }) => middle >= from && middle < until);
    const place = home ?? touched[0]!;
    const time = Math.min(Math.max(middle, place.from), place.until - 1);
    const group = this.#group(stream, record.tags, time);
    const length = this.#windowMicros;
    const inWindow = length === null || Math.floor(first / length) === Math.floor(last / length);
    const whole = first >= place.from && last < place.until && inWindow;
    if (whole) group.noteTimes(first, last);
    else {
      this.#straddling.add(group.label, record, home === undefined ? null : time);
      group.noteSpan(Math.max(first, place.from), Math.min(last, place.until - 1));
    }
    if (home === undefined) return;
    if (!whole) group.uncertain += record.readings;
    group.readings += record.readings;
    this.#readings[record.rung] += record.readings;
    if (record.bad) {
      this.#bad += record.readings;
      return;
    }
    for (const [i, { name }] of this.needs.entries()) {
      const field = record.field(name);
      if (field === null) continue;
      this.names.field(name);
      group.cells[i]!.takeCoarse(field);
    }
  }

  /** One rolled-up window; it lies within one window of the answer. */
  roll(stream: string, window: RolledWindow): void {
    if (!this.matches(window.tags)) return;
    const group = this.#group(stream, window.tags, window.span.from);
    group.readings += window.readings;
    group.noteWindow(window.span.from, window.span.until - 1);
    this.#readings.sketch += window.readings;
    this.#bad += window.bad;
    const good = window.readings - window.bad;
    for (const [i, { name }] of this.needs.entries()) {
      const summary = window.field(name);
      const cell = group.cells[i]!;
      if (summary !== undefined) cell.takeSummary(summary);
      cell.unreadItems += good;
      if (!window.leftOut(name)) continue;
      cell.unreadOthers += good - (summary?.tally.count ?? 0);
      if (!window.rolled(name)) cell.unreadNumbers = true;
    }
  }

  /** A window over an edge of a time of which nothing finer is kept: some of its readings are missing from the answer. */
  miss(stream: string, { tags, span, readings }: Pick<RolledWindow, 'tags' | 'span' | 'readings'>): void {
    if (!this.matches(tags)) return;
    const record = { firstMicros: span.from, lastMicros: span.until - 1, readings };
    this.#straddling.addUncounted(this.#labelOf(stream, tags), record);
  }

  /** Of these times nothing is known: any number of readings may be missing. */
  missUnknown(stream: string, span: Span): void {
    this.#unknown.push({ stream, span });
  }

  /** `now`: where an open range ends for a rate. */
  finish(
    { notes, ...gaps }: Omit<Gaps, 'unanswered' | 'overEdge' | 'bad'> & { readonly notes: readonly string[] },
    now: number,
  ): AnswerJson {
    const { query } = this;
    const groups = [...this.#groups.values()];
    this.#straddling.settle(groups);
    for (const group of groups) if (gaps.stopped || this.#mayMiss(group)) group.absent = Infinity;
    const rows = groups.map((group) => this.#row(group, now));
    rows.sort((a, b) => byKey(a.key, b.key));
    return {
      query: query.text,
      from: query.from === null ? null : formatTime(query.from),
      until: query.until === null ? null : formatTime(query.until),
      keys: query.keys.map(({ label }) => label),
      columns: query.aggregates.map(({ label }) => label),
      rows,
      coverage: coverageJson(this.#readings, {
        ...gaps,
        bad: this.#bad,
        unanswered: groups.reduce((sum, group) => sum + group.unanswered(this.needs), 0),
        overEdge: this.#straddling.readings,
      }),
      notes: [...notes, ...this.names.notes(query)],
    };
  }

  #mayMiss(group: Group): boolean {
    const at = this.query.keys.findIndex(({ kind }) => kind === 'stream');
    return this.#unknown.some(
      ({ stream, span }) =>
        (at < 0 || group.key[at] === stream) && span.until > group.begin && span.from < group.end,
    );
  }

  #row(group: Group, now: number): RowJson {
    const { query, needs } = this;
    const seconds = secondsOf(query, group, now);
    return {
      key: group.key,
      readings: group.readings,
      cells: query.aggregates.map((aggregate) =>
        cellOf(aggregate, {
          group,
          cell: group.cells[needs.findIndex(({ name }) => name === aggregate.field)],
          seconds,
        }),
      ),
    };
  }

  /** Rows of one series follow each other: its latest group is mostly asked for again. */
  #group(stream: string, tags: Tags, time: number): Group {
    const latest = this.#latest.get(tags);
    const length = this.#windowMicros;
    const begin = length === null ? 0 : Math.floor(time / length) * length;
    if (latest?.stream === stream && latest.begin === begin) return latest.group;
    const group = this.#groupOf(stream, tags, begin);
    this.#latest.set(tags, { stream, begin, group });
    return group;
  }

  #groupOf(stream: string, tags: Tags, begin: number): Group {
    const key = this.query.keys.map((one) =>
      one.kind === 'window' ? formatTime(begin) : partOf(one, stream, tags),
    );
    const text = JSON.stringify(key);
    let group = this.#groups.get(text);
    if (group === undefined) {
      const label = this.#labelOf(stream, tags);
      const window = { label, begin, micros: this.#windowMicros };
      group = new Group(key, window, { needs: this.needs, budget: this.#budget });
      this.#groups.set(text, group);
    }
    return group;
  }

  /** Of the groups of all windows that readings of these tags are in. */
  #labelOf(stream: string, tags: Tags): string {
    const keys = this.query.keys.filter((one) => one.kind !== 'window');
    return JSON.stringify(keys.map((one) => partOf(one, stream, tags)));
  }
}

function partOf(key: Exclude<Key, { kind: 'window' }>, stream: string, tags: Tags): string | null {
  if (key.kind === 'stream') return stream;
  return Object.hasOwn(tags, key.tag) ? tags[key.tag]! : null;
}

function takeRow(group: Group, columns: readonly (Column | undefined)[], row: number): void {
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    if (column === undefined || (column.present !== null && column.present[row] === 0)) continue;
    group.cells[i]!.take(column, row);
  }
}

function takeWithin(
  group: Group,
  of: { columns: readonly (Column | undefined)[]; row: number; within: readonly Within[] },
): void {
  const { columns, row, within } = of;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    const present = column !== undefined && (column.present === null || column.present[row] !== 0);
    group.cells[i]!.takeWithin(present ? column : null, row, within[i]!);
  }
}

/** What a rate is by: the window, else the range asked for; where an end is open, the group's own readings end it. */
function secondsOf(query: Query, group: Group, now: number): Range {
  if (group.windowMicros !== null) return certain(group.windowMicros / 1e6);
  const first = query.from === null ? group.first : { low: query.from, high: query.from };
  const last =
    query.until === null
      ? query.from === null
        ? group.last
        : { low: Math.max(now, group.last.low), high: Math.max(now, group.last.high) }
      : { low: query.until, high: query.until };
  const seconds = (from: number, until: number): number => Math.max(0, until - from) / 1e6;
  return {
    value: seconds(first.low, last.high),
    low: seconds(first.high, last.low),
    high: seconds(first.low, last.high),
  };
}

function certain(value: number): Range {
  return { value, low: value, high: value };
}

/** Null first, then as texts. */
function byKey(a: readonly (string | null)[], b: readonly (string | null)[]): number {
  for (const [i, one] of a.entries()) {
    const other = b[i] ?? null;
    if (one === other) continue;
    if (one === null) return -1;
    if (other === null) return 1;
    return one < other ? -1 : 1;
  }
  return 0;
}
