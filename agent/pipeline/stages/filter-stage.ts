import type { Batch, Presence } from '../../reading/batch.ts';
import { rowsKept } from '../rows.ts';
import type { FieldKernel, KernelState } from '../signal/field-kernel.ts';
import type { Stage, StageOutput, StageState } from '../stage.ts';
import type { UseResults } from './centred-stage.ts';
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
  readonly #place: ResultPlace;
  readonly #second: SecondField<State> | null;

  constructor(
    rule: string,
    config: FilterStageConfig,
    kernel: FieldKernel<State>,
    options: { readonly derives?: boolean; readonly second?: SecondField<State> | null } = {},
  ) {
    this.rule = rule;
    this.#filter = new FieldFilter(rule, config, kernel);
    this.#place = resultPlace(config, options.derives ?? false);
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
    let main = resultWritten(batch, filtered, this.#place);
    if (second !== null) main = writtenField(main, second.name, seconds!, entered.slice());
    const output = this.#place.derives ? withoutEmptied(main, this.rule, filtered.field.present) : { main };
    return notes.length === 0 ? output : { ...output, notes };
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

/** Where a filter's result goes. */
interface ResultPlace {
  readonly field: string;
  /** Null: in place of the field. */
  readonly as: string | null;
  /** The result is another quantity. */
  readonly derives: boolean;
}

function resultPlace({ field, as }: FilterStageConfig, derives: boolean): ResultPlace {
  return { field, as: as === undefined || as === field ? null : as, derives };
}

function resultWritten(batch: Batch, { values, entered }: Filtered, place: ResultPlace): Batch {
  const { field, as, derives } = place;
  if (as === null && !derives) return writtenField(batch, field, values, entered.slice());
  const chosen = new Uint8Array(batch.length);
  for (let row = 0; row < chosen.length; row++)
    chosen[row] = entered[row] === 1 && !Number.isNaN(values[row]!) ? 1 : 0;
  return writtenField(batch, as ?? field, values, chosen, as === null);
}

/** Puts results that came late where a {@link FilterStage} puts its own. */
export function writesResults(rule: string, config: FilterStageConfig, derives: boolean): UseResults {
  const place = resultPlace(config, derives);
  return (batch, filtered) => {
    const main = resultWritten(batch, filtered, place);
    return derives ? withoutEmptied(main, rule, filtered.field.present) : { main };
  };
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
