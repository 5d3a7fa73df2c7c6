import type { Batch } from '../../reading/batch.ts';
import { Quality } from '../../reading/batch.ts';
import { rowsKept } from '../rows.ts';
import { hampelKernel } from '../signal/median.ts';
import type { WindowState } from '../signal/median.ts';
import type { Stage, StageOutput, StageState } from '../stage.ts';
import type { FieldFilterConfig } from './field-filter.ts';
import { FieldFilter } from './field-filter.ts';
import { writtenField } from './written-field.ts';

export interface DespikeConfig extends FieldFilterConfig {
  readonly method?: 'hampel' | undefined;
  /** Values judged together, the present one the newest; 3 … 255, default 7. */
  readonly window?: number | undefined;
  /** Default 3. */
  readonly sigmas?: number | undefined;
  /** Least distance of a spike from the median, unit of the field, >= 0; default 0. */
  readonly floor?: number | undefined;
  /** What becomes of a spike: the median, with quality uncertain (default); itself, with quality bad; nothing. */
  readonly action?: 'replace' | 'mark' | 'drop' | undefined;
}

/** Takes single wrong values out of a field; the rule is `hampelKernel`'s. A value that is no spike is never changed. */
export class DespikeStage implements Stage {
  readonly rule: string;
  readonly #filter: FieldFilter<WindowState>;
  readonly #field: string;
  readonly #action: 'replace' | 'mark' | 'drop';

  constructor(rule: string, config: DespikeConfig) {
    const { window = 7, sigmas = 3, floor = 0 } = config;
    this.rule = rule;
    this.#filter = new FieldFilter(rule, config, hampelKernel({ window, sigmas, floor }));
    this.#field = config.field;
    this.#action = config.action ?? 'replace';
  }

  process(batch: Batch): StageOutput {
    const filtered = this.#filter.run(batch);
    if (filtered === null) return { main: batch };
    const { field, values, notes } = filtered;
    const spikes = filtered.entered;
    let count = 0;
    for (let row = 0; row < spikes.length; row++) {
      if (spikes[row] === 0) continue;
      if (values[row] === field.values[row]) spikes[row] = 0;
      else count++;
    }
    const output = count === 0 ? { main: batch } : this.#act(batch, filtered, spikes);
    return notes.length === 0 ? output : { ...output, notes };
  }

  #act(
    batch: Batch,
    { values }: NonNullable<ReturnType<FieldFilter<WindowState>['run']>>,
    spikes: Uint8Array,
  ): StageOutput {
    if (this.#action === 'drop') return rowsKept(batch, this.rule, (row) => spikes[row] === 0);
    const quality = batch.quality.slice();
    const grade = this.#action === 'mark' ? Quality.bad : Quality.uncertain;
    for (let row = 0; row < spikes.length; row++) if (spikes[row] === 1) quality[row] = grade;
    const graded: Batch = { ...batch, quality };
    return { main: this.#action === 'mark' ? graded : writtenField(graded, this.#field, values, spikes) };
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return this.#filter.snapshot();
  }

  restore(bytes: Uint8Array): boolean {
    return this.#filter.restore(bytes);
  }

  inspect(): StageState {
    return this.#filter.inspect();
  }
}
