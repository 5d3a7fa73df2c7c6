import type { Batch } from '../../reading/batch.ts';
import { Quality } from '../../reading/batch.ts';
import { rowsKept } from '../rows.ts';
import { hampelKernel } from '../signal/median.ts';
import type { WindowState } from '../signal/median.ts';
import type { Stage, StageOutput, StageState } from '../stage.ts';
import type { CentredConfig, UseResults } from './centred-stage.ts';
import { FieldFilter } from './field-filter.ts';
import { writtenField } from './written-field.ts';

export interface DespikeConfig extends CentredConfig {
  readonly method?: 'hampel' | undefined;
  /** `causal` (default): the present value is the newest of the window; `centred`: it is the middle one, and is given out late. */
  readonly mode?: 'causal' | 'centred' | undefined;
  /** Values judged together, 3 … 255, default 7; odd where centred. */
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
  readonly #act: UseResults;

  constructor(rule: string, config: DespikeConfig) {
    this.rule = rule;
    this.#filter = new FieldFilter(rule, config, hampelKernel(hampelOptions(config)));
    this.#act = takesSpikesOut(rule, config);
  }

  process(batch: Batch): StageOutput {
    const filtered = this.#filter.run(batch);
    if (filtered === null) return { main: batch };
    const output = this.#act(batch, filtered);
    return filtered.notes.length === 0 ? output : { ...output, notes: filtered.notes };
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

export function hampelOptions({ window = 7, sigmas = 3, floor = 0 }: DespikeConfig) {
  return { window, sigmas, floor };
}

/** What becomes of values that are not what the filter makes of them: spikes. */
export function takesSpikesOut(rule: string, config: DespikeConfig): UseResults {
  const { field: name, action = 'replace' } = config;
  return (batch, { field, values, entered }) => {
    const spikes = entered;
    let count = 0;
    for (let row = 0; row < spikes.length; row++) {
      if (spikes[row] === 0) continue;
      if (values[row] === field.values[row]) spikes[row] = 0;
      else count++;
    }
    if (count === 0) return { main: batch };
    if (action === 'drop') return rowsKept(batch, rule, (row) => spikes[row] === 0);
    const quality = batch.quality.slice();
    const grade = action === 'mark' ? Quality.bad : Quality.uncertain;
    for (let row = 0; row < spikes.length; row++) if (spikes[row] === 1) quality[row] = grade;
    const graded: Batch = { ...batch, quality };
    return { main: action === 'mark' ? graded : writtenField(graded, name, values, spikes) };
  };
}
