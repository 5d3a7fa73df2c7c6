import type { Batch, Column, Tags } from '../reading/batch.ts';
import { Quality } from '../reading/batch.ts';
import { formatTime } from '../reading/event-time.ts';
import { AnswerBudget } from './answer-budget.ts';
import { type AnswerJson, type RowJson, type Rung } from './answer.ts';
import type { CoarseReading } from './coarse.ts';
import type { Span } from './cover.ts';
import { coverageJson, type Gaps } from './coverage.ts';
import { cellOf, Group, needsOf, type FieldNeeds } from './group.ts';
import type { Query } from './query.ts';
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
}

/** Takes in readings and summaries in any order, and makes the rows of the answer. Time ranges are the caller's: it gives nothing twice. */
export class Aggregation {
  readonly query: Query;
  readonly needs: readonly FieldNeeds[];
  readonly #budget = new AnswerBudget();
  readonly #groups = new Map<string, Group>();
  readonly #latest = new WeakMap<Tags, { stream: string; begin: number; group: Group }>();
  readonly #windowMicros: number | null;
  readonly #readings: Record<Rung, number> = { raw: 0, segment: 0, window: 0, sketch: 0 };
  #bad = 0;
  #unanswered = 0;

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

  /** Something asked for is in no summary: readings themselves are needed. */
  get needsReadings(): boolean {
    return this.needs.some(({ distinct, top }) => distinct || top > 0);
  }

  matches(tags: Tags): boolean {
    return this.query.filters.every(({ tag, not, values }) => {
      const value = Object.hasOwn(tags, tag) ? tags[tag]! : null;
      return (value !== null && values.includes(value)) !== not;
    });
  }

  /** Takes readings of `batch` within one of the spans, which are disjoint. Answers how many. */
  scan(batch: Batch, spans: readonly Span[]): number {
    if (spans.length === 0) return 0;
    const before = this.#readings.raw;
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
      group.readings++;
      group.noteTimes(time, time);
      this.#readings.raw++;
      if (batch.quality[row] === Quality.bad) this.#bad++;
      else takeRow(group, columns, row);
    }
    return this.#readings.raw - before;
  }

  /** What is left of some readings. Over an edge it counts where its middle lies, and the answer says so. */
  takeCoarse(stream: string, record: CoarseReading, spans: readonly Span[]): void {
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
    if (first < place.from || last >= place.until || !inWindow) group.uncertain += record.readings;
    if (home === undefined) return;
    group.readings += record.readings;
    group.noteTimes(first, last);
    this.#readings[record.rung] += record.readings;
    if (record.bad) {
      this.#bad += record.readings;
      return;
    }
    for (const [i, { name }] of this.needs.entries()) {
      const field = record.field(name);
      if (field !== null) group.cells[i]!.takeCoarse(field);
    }
    if (this.needsReadings) this.#unanswered += record.readings;
  }

  /** One rolled-up window; it lies within one window of the answer. */
  roll(stream: string, window: RolledWindow): void {
    if (!this.matches(window.tags)) return;
    const group = this.#group(stream, window.tags, window.span.from);
    group.readings += window.readings;
    group.noteTimes(window.span.from, window.span.until - 1);
    this.#readings.sketch += window.readings;
    this.#bad += window.bad;
    let missing = false;
    for (const [i, { name }] of this.needs.entries()) {
      const summary = window.field(name);
      if (summary !== undefined) group.cells[i]!.takeSummary(summary);
      if (window.leftOut(name)) missing = true;
    }
    if (missing) this.#unanswered += window.readings;
  }

  /** Readings whose place in the answer is known, but none of their values. */
  noteUnanswered(readings: number): void {
    this.#unanswered += readings;
  }

  /** `now`: where an open range ends for a rate. */
  finish(gaps: Omit<Gaps, 'unanswered' | 'bad'>, now: number): AnswerJson {
    const { query } = this;
    const rows = [...this.#groups.values()].map((group) => this.#row(group, now));
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
        unanswered: this.#unanswered,
      }),
    };
  }

  #row(group: Group, now: number): RowJson {
    const { query, needs } = this;
    const seconds = secondsOf(query, group, now);
    return {
      key: group.key,
      readings: group.readings,
      cells: query.aggregates.map((aggregate) =>
        cellOf(aggregate, {
          readings: group.readings,
          uncertain: group.uncertain,
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
    const group = this.#groupOf(stream, tags, time);
    this.#latest.set(tags, { stream, begin, group });
    return group;
  }

  #groupOf(stream: string, tags: Tags, time: number): Group {
    const key = this.query.keys.map((one) => {
      if (one.kind === 'stream') return stream;
      if (one.kind === 'window') return formatTime(Math.floor(time / one.micros) * one.micros);
      return Object.hasOwn(tags, one.tag) ? tags[one.tag]! : null;
    });
    const text = JSON.stringify(key);
    let group = this.#groups.get(text);
    if (group === undefined) {
      group = new Group(key, this.#windowMicros, { needs: this.needs, budget: this.#budget });
      this.#groups.set(text, group);
    }
    return group;
  }
}

function takeRow(group: Group, columns: readonly (Column | undefined)[], row: number): void {
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    if (column === undefined || (column.present !== null && column.present[row] === 0)) continue;
    group.cells[i]!.take(column, row);
  }
}

/** What a rate is by: the window, else the range asked for; where an end is open, the group's own readings end it. */
function secondsOf(query: Query, group: Group, now: number): number {
  if (group.windowMicros !== null) return group.windowMicros / 1e6;
  const from = query.from ?? group.minTimeMicros;
  const until =
    query.until ?? (query.from === null ? group.maxTimeMicros : Math.max(now, group.maxTimeMicros));
  return Math.max(0, until - from) / 1e6;
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
