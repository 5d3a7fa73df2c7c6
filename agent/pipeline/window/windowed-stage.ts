import type { Micros } from '../../base/units.ts';
import { micros } from '../../base/units.ts';
import type { Batch } from '../../reading/batch.ts';
import { selectRows } from '../../reading/batch.ts';
import { fieldMatcher } from '../field-pattern.ts';
import { seriesLimitDefault, watchedFieldsMax } from '../limits.ts';
import type { Stage, StageContext, StageNote, StageOutput, StageState, StreamBatch } from '../stage.ts';
import { notesOf } from '../stages/field-filter.ts';
import { needsOf, sketchKindsDefault, type SketchKindName, type SketchNeeds } from './field-sketches.ts';
import { emitDefault, emitsOf, needsQuantiles } from './emits.ts';
import type { FieldResults } from './results.ts';
import { figures, Results, sealedSketches } from './results.ts';
import { loadChanges, loadWhole, saveChanges, saveWhole } from './window-bytes.ts';
import type { SketchConfig, WindowConfig, WindowSpans } from './window-config.ts';
import { windowPlan } from './window-config.ts';
import { WindowCore } from './window-core.ts';
import { fieldsOf } from './windowing.ts';

interface StageOptions {
  readonly rule: string;
  /** The stream of the pipeline. */
  readonly stream: string;
  readonly spans: WindowSpans;
  readonly needs: SketchNeeds;
  readonly ofField: FieldResults;
  /** Columns that one field makes at most. */
  readonly columns: number;
  /** Null: results take the place of the readings. */
  readonly into: string | null;
}

/**
 * Sums up readings in windows of event time. With `into` the readings pass on and the results go to another stream; without it the
 * results take their place, and every reading is counted as filtered: under the rule when a window took it in, under `RULE!late`
 * when it came too late.
 */
export class WindowedStage implements Stage {
  readonly rule: string;
  readonly #core: WindowCore;
  readonly #results: Results;
  readonly #into: string | null;
  readonly #lateInto: string | null;

  constructor({ rule, stream, spans, needs, ofField, columns, into }: StageOptions) {
    this.rule = rule;
    this.#into = into;
    this.#lateInto = spans.late_into ?? null;
    const plan = windowPlan(spans);
    const core = new WindowCore({
      plan,
      needs,
      takes: spans.fields === undefined ? () => true : fieldMatcher(spans.fields),
      seriesMax: spans.max_series ?? seriesLimitDefault,
      // The columns of a batch are bounded; three are the window's own.
      fieldsMax: Math.floor((watchedFieldsMax - 3) / columns),
    });
    this.#core = core;
    this.#results = new Results({
      stream: into ?? stream,
      ofField,
      fieldsOf: (window) => fieldsOf(window, () => core.fresh()),
      names: () => [...core.fieldIds.keys()],
      hasRevisions: plan.latenessMicros > 0 && !plan.isSession,
      hasLength: plan.isSession,
    });
  }

  process(batch: Batch, context: StageContext): StageOutput {
    this.#results.clock = batch.clock;
    const { late, evicted } = this.#core.process(batch, context.nowMicros, this.#results.give);
    const notes = notesOf(this.rule, late.length, evicted);
    const results = this.#results.take();
    if (this.#into !== null)
      return withNotes({ main: batch, ...sides(this.#sides(batch, late, results)) }, notes);
    const filtered = [];
    if (batch.length > late.length) filtered.push({ rule: this.rule, count: batch.length - late.length });
    if (late.length > 0) filtered.push({ rule: `${this.rule}!late`, count: late.length });
    const derived = results === null ? {} : { derived: results.length };
    return withNotes(
      { main: results, filtered, ...derived, ...sides(this.#sides(batch, late, null)) },
      notes,
    );
  }

  nextDeadline(): Micros | null {
    const at = this.#core.nextIdleMicros;
    if (at === Number.POSITIVE_INFINITY) return null;
    return micros(at === Number.NEGATIVE_INFINITY ? 0 : Math.ceil(at));
  }

  tick(context: StageContext): StageOutput {
    this.#core.tick(context.nowMicros, this.#results.give);
    return this.#released(this.#results.take());
  }

  flush(): StageOutput {
    this.#core.flush(this.#results.give);
    const results = this.#results.take();
    const notes: StageNote[] =
      results === null ? [] : [{ kind: 'cut_short', rule: this.rule, count: results.length }];
    return withNotes(this.#released(results), notes);
  }

  #released(results: Batch | null): StageOutput {
    if (results === null) return { main: null };
    if (this.#into !== null) return { main: null, into: [{ stream: this.#into, batch: results }] };
    return { main: results, derived: results.length };
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return saveWhole(this.#core);
  }

  restore(bytes: Uint8Array): boolean {
    return loadWhole(this.#core, bytes);
  }

  delta(): Uint8Array<ArrayBuffer> | null {
    return saveChanges(this.#core);
  }

  apply(bytes: Uint8Array): boolean {
    return loadChanges(this.#core, bytes);
  }

  inspect(): StageState {
    const { table, bytes, evicted, seriesMax: seriesLimit } = this.#core;
    return { series: table.members.size, seriesLimit, bytes, evicted };
  }

  #sides(batch: Batch, late: readonly number[], results: Batch | null): StreamBatch[] {
    const into: StreamBatch[] = [];
    if (results !== null) into.push({ stream: results.stream, batch: results });
    const stream = this.#lateInto;
    if (stream !== null && late.length > 0)
      into.push({ stream, batch: { ...selectRows(batch, Uint32Array.from(late)), stream } });
    return into;
  }
}

export function windowStage(rule: string, config: WindowConfig, stream: string): WindowedStage {
  const names = config.emit ?? emitDefault;
  const kinds: SketchKindName[] = [];
  if (names.includes('stddev')) kinds.push('moments');
  if (needsQuantiles(names)) kinds.push('quantiles');
  if (names.includes('distinct')) kinds.push('distinct');
  const emits = emitsOf(names);
  const [ofField, columns] = [figures(emits), emits.length];
  return new WindowedStage({
    rule,
    stream,
    spans: config,
    needs: needsOf(kinds),
    ofField,
    columns,
    into: config.into ?? null,
  });
}

export function sketchStage(rule: string, config: SketchConfig, stream: string): WindowedStage {
  const kinds = config.kinds ?? sketchKindsDefault;
  const into = config.into ?? `${stream}_sketch`;
  const ofField = sealedSketches(kinds, stream);
  return new WindowedStage({
    rule,
    stream,
    spans: config,
    needs: needsOf(kinds),
    ofField,
    columns: kinds.length,
    into,
  });
}

const sides = (into: readonly StreamBatch[]): { into?: readonly StreamBatch[] } =>
  into.length === 0 ? {} : { into };

function withNotes(output: StageOutput, notes: readonly StageNote[]): StageOutput {
  return notes.length === 0 ? output : { ...output, notes };
}
