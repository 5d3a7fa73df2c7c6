import type { Batch, Presence } from '../../reading/batch.ts';
import { rowsKept } from '../rows.ts';
import type { FieldKernel, KernelState } from '../signal/field-kernel.ts';
import type { Stage, StageOutput, StageState } from '../stage.ts';
import type { FieldFilterConfig, Filtered } from './field-filter.ts';
import { FieldFilter } from './field-filter.ts';
import { writtenField } from './written-field.ts';

/** One more field a filter knows, such as a velocity. */
export interface SecondField<State> {
  readonly name: string;
  readonly of: (state: State) => number;
}

export interface FilterStageConfig extends FieldFilterConfig {
  /** The field that takes the filtered value. Default: `field` itself. */
  readonly as?: string | undefined;
}

/**
 * Gives a field its filtered value, or a field of its own (`as`) beside it. A smoothing filter in place leaves values that did not
 * enter as they are, for a raw measurement is still one. A filter whose result is another quantity (`derives`: a rate) leaves no
 * number there; a reading that has no value at all then is dropped and counted.
 */
export class FilterStage<State extends KernelState> implements Stage {
  readonly rule: string;
  readonly #filter: FieldFilter<State>;
  readonly #as: string | null;
  readonly #derives: boolean;
  readonly #field: string;
  readonly #second: SecondField<State> | null;

  constructor(
    rule: string,
    config: FilterStageConfig,
    kernel: FieldKernel<State>,
    options: { readonly derives?: boolean; readonly second?: SecondField<State> | null } = {},
  ) {
    this.rule = rule;
    this.#filter = new FieldFilter(rule, config, kernel);
    this.#field = config.field;
    this.#as = config.as === undefined || config.as === config.field ? null : config.as;
    this.#derives = options.derives ?? false;
    this.#second = options.second ?? null;
  }

  process(batch: Batch): StageOutput {
    const second = this.#second;
    const seconds = second === null ? null : new Float64Array(batch.length);
    const look =
      second === null ? null : (row: number, state: State) => void (seconds![row] = second.of(state));
    const filtered = this.#filter.run(batch, look);
    if (filtered === null) return { main: batch };
    const { notes, entered } = filtered;
    let main = this.#written(batch, filtered);
    if (second !== null) main = writtenField(main, second.name, seconds!, entered.slice());
    const output = this.#derives ? withoutEmptied(main, this.rule, filtered.field.present) : { main };
    return notes.length === 0 ? output : { ...output, notes };
  }

  #written(batch: Batch, { values, entered }: Filtered): Batch {
    if (this.#as === null && !this.#derives) return writtenField(batch, this.#field, values, entered.slice());
    const chosen = new Uint8Array(batch.length);
    for (let row = 0; row < chosen.length; row++)
      chosen[row] = entered[row] === 1 && !Number.isNaN(values[row]!) ? 1 : 0;
    return writtenField(batch, this.#as ?? this.#field, values, chosen, this.#as === null);
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

/** Drops the readings that `had` a value and have none any more. */
function withoutEmptied(batch: Batch, rule: string, had: Presence): StageOutput {
  const { columns } = batch;
  if (columns.some((column) => column.present === null)) return { main: batch };
  return rowsKept(
    batch,
    rule,
    (row) => (had !== null && had[row] === 0) || columns.some((column) => column.present![row] === 1),
  );
}
