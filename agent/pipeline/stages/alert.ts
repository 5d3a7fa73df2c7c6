import type { ParseResult } from '@marcbachmann/cel-js';
import type { Batch, Column, Scalar } from '../../reading/batch.ts';
import { Quality, selectRows, valueAt } from '../../reading/batch.ts';
import { formatTime } from '../../reading/event-time.ts';
import { Predicate } from '../expression/predicate.ts';
import { Truth } from '../expression/vectors.ts';
import { alarmFieldsMax, alarmTextLength, latenessMicrosMax, seriesLimitDefault } from '../limits.ts';
import { SeriesMap } from '../series-map.ts';
import type { AlarmTimes } from '../signal/alarm-state.ts';
import { AlarmState } from '../signal/alarm-state.ts';
import type { Command, Stage, StageContext, StageNote, StageOutput, StageState } from '../stage.ts';
import { notesOf } from './field-filter.ts';
import { columnOf } from './rename.ts';
import { loadSeries, saveSeries, seriesState } from './series-state.ts';
import { filledTopic } from './topic-template.ts';

export interface AlertConfig {
  /** CEL: the condition of an alarm. */
  readonly when: string;
  /** CEL: when a raised alarm is over. Absent: when `when` no longer holds. */
  readonly clear?: string | undefined;
  /** Spans of event time, ms; default 0. */
  readonly for?: number | undefined;
  readonly silence?: number | undefined;
  /** Default: the rule's name. */
  readonly name?: string | undefined;
  /** Default `warning`. */
  readonly severity?: 'info' | 'warning' | 'critical' | undefined;
  /** Stream of the alarms; default `alarms`. */
  readonly into?: string | undefined;
  /** Topic of a message that goes out at once, {name} stands for a tag. */
  readonly publish?: string | undefined;
  /** Source of type mqtt or broker whose broker takes the message. Not looked at here. */
  readonly via?: string | undefined;
  readonly max_series?: number | undefined;
}

/** Where alarms go unless a config says otherwise. */
const alarmStream = 'alarms';
const stateBytesPerSeries = 290;

interface Event {
  readonly row: number;
  readonly state: 'raised' | 'cleared';
  readonly sinceMicros: number;
  readonly suppressed: number;
}

/**
 * Watches every series for a condition and says when it begins to hold and when it ends: by a reading of the stream `into` that is a
 * copy of the one that tipped it, with `alarm.…` beside, and by a message at once when `publish` is set. Readings pass unchanged.
 *
 * A reading for which an expression has no answer, a late one, and one of bad quality (unless the condition asks for `quality`) is
 * not judged and changes nothing.
 */
export class AlertStage implements Stage {
  readonly rule: string;
  readonly #config: AlertConfig;
  readonly #times: AlarmTimes;
  readonly #when: Predicate;
  readonly #clear: Predicate | null;
  readonly #judgesBad: boolean;
  readonly #series: SeriesMap<AlarmState>;

  constructor(rule: string, config: AlertConfig, when: ParseResult, clear: ParseResult | null) {
    this.rule = rule;
    this.#config = config;
    this.#times = { forMicros: (config.for ?? 0) * 1000, silenceMicros: (config.silence ?? 0) * 1000 };
    this.#when = new Predicate(when);
    this.#clear = clear === null ? null : new Predicate(clear);
    this.#judgesBad = /\bquality\b/.test(`${config.when} ${config.clear ?? ''}`);
    this.#series = new SeriesMap(config.max_series ?? seriesLimitDefault, () => new AlarmState());
  }

  process(batch: Batch, _context: StageContext): StageOutput {
    const met = this.#when.evaluate(batch);
    const over = this.#clear?.evaluate(batch) ?? null;
    const before = this.#series.evicted;
    const stateOf = this.#series.over(batch);
    const { timeMicros, quality } = batch;
    const events: Event[] = [];
    let late = 0;
    for (let row = 0; row < batch.length; row++) {
      const answer = met[row]!;
      if (answer === Truth.failed || (quality[row] === Quality.bad && !this.#judgesBad)) continue;
      const state = stateOf(row);
      const time = timeMicros[row]!;
      if (time < state.timeMicros) {
        if (time >= state.timeMicros - latenessMicrosMax) {
          late++;
          continue;
        }
        state.clear();
      }
      const isMet = answer === Truth.yes;
      const isOver = over === null ? !isMet : over[row] === Truth.yes;
      const step = state.step(time, { isMet, isOver }, this.#times);
      if (step === 'none') continue;
      events.push({ row, state: step, sinceMicros: state.sinceMicros, suppressed: state.suppressed });
      state.told(step);
    }
    const notes = notesOf(this.rule, late, this.#series.evicted - before);
    if (events.length === 0) return notes.length === 0 ? { main: batch } : { main: batch, notes };
    return this.#output(batch, events, notes);
  }

  #output(batch: Batch, events: readonly Event[], notes: readonly StageNote[]): StageOutput {
    const { name = this.rule, publish, into = alarmStream } = this.#config;
    const raised = events.filter(({ state }) => state === 'raised').length;
    const alarms = { stream: into, batch: this.#alarms(batch, events, into) };
    const all: StageNote[] = [
      ...notes,
      { kind: 'alarms', rule: this.rule, name, raised, count: events.length },
    ];
    const output = { main: batch, into: [alarms], notes: all };
    if (publish === undefined) return output;
    return { ...output, commands: events.map((event) => this.#command(batch, event, publish)) };
  }

  /** The readings that tipped the alarm, with what there is to say about it. */
  #alarms(batch: Batch, events: readonly Event[], into: string): Batch {
    const selected = selectRows(
      batch,
      Uint32Array.from(events, ({ row }) => row),
    );
    const told = events.map((event) => this.#told(batch, event));
    const added = Object.keys(told[0]!).map((key): Column =>
      columnOf(
        `alarm.${key}`,
        told.map((one) => one[key as keyof typeof one]),
      ),
    );
    const names = new Set(added.map((column) => column.name));
    const columns = [...selected.columns.filter((column) => !names.has(column.name)), ...added];
    return { ...selected, stream: into, columns };
  }

  #told(batch: Batch, { row, state, sinceMicros, suppressed }: Event) {
    const { name = this.rule, severity = 'warning' } = this.#config;
    const seconds = (batch.timeMicros[row]! - sinceMicros) / 1e6;
    return { name, state, severity, since: formatTime(sinceMicros), seconds, suppressed };
  }

  #command(batch: Batch, event: Event, template: string): Command {
    const { row } = event;
    const tags = batch.series[batch.seriesIndex[row]!]!;
    const values: [string, Scalar][] = [];
    for (const column of batch.columns) {
      const value = valueAt(column, row);
      if (value !== undefined && values.length < alarmFieldsMax) values.push([column.name, value]);
    }
    const { name: alarm, ...told } = this.#told(batch, event);
    const message = {
      alarm,
      ...told,
      stream: batch.stream,
      time: formatTime(batch.timeMicros[row]!),
      tags,
      values: Object.fromEntries(values),
    };
    const payload = JSON.stringify(message, plainValue);
    return { rule: this.rule, topic: filledTopic(template, batch.stream, tags), payload };
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return saveSeries(this.#series, 1, (writer, state) => state.write(writer));
  }

  restore(bytes: Uint8Array): boolean {
    return loadSeries(this.#series, bytes, 1, (reader) => AlarmState.read(reader));
  }

  inspect(): StageState {
    return seriesState(this.#series, stateBytesPerSeries);
  }
}

/** Wide integers as text, bytes not at all, texts cut: a message of an alarm is small. */
function plainValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return undefined;
  return typeof value === 'string' ? value.slice(0, alarmTextLength) : value;
}
