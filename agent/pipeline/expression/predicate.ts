import type { ParseResult } from '@marcbachmann/cel-js';
import type { Batch, Column } from '../../reading/batch.ts';
import type { FieldLookup } from './build-vector.ts';
import { buildVector } from './build-vector.ts';
import { failureOf } from './environment.ts';
import { readingContext } from './reading-context.ts';
import type { FieldSlot, SlotKind } from './references.ts';
import { locate } from './references.ts';
import type { Truths } from './vectors.ts';
import { asTruths, roomFor, Truth } from './vectors.ts';

/** Programs kept, one for each combination of kinds its fields were seen with; more come from data that changes its mind all the time. */
const programsMax = 16;

/**
 * A checked expression that answers for whole batches. Batches with the same columns as the one before reuse its program at
 * the cost of comparing names.
 */
export class Predicate {
  readonly #expression: ParseResult;
  readonly #interpretOnly: boolean;
  /** Fields the expression names, found while building. */
  readonly #slots = new Map<string, { slot: FieldSlot; kind: SlotKind }>();
  #layout: readonly Column[] = [];
  #program: Truths | null = null;
  #bound = false;
  readonly #programs = new Map<string, Truths | null>();
  #codes: Uint8Array = new Uint8Array(0);

  /** `interpretOnly` leaves everything to the library: the twin in tests and benchmarks. */
  constructor(expression: ParseResult, options: { interpretOnly?: boolean } = {}) {
    this.#expression = expression;
    this.#interpretOnly = options.interpretOnly ?? false;
  }

  /** {@link Truth} codes of rows 0 … batch.length - 1; valid until the next call, to be read only. */
  evaluate(batch: Batch): Uint8Array {
    const program = this.#interpretOnly ? null : this.#programFor(batch);
    if (program !== null) {
      program.load(batch);
      return program.codes;
    }
    this.#codes = roomFor(this.#codes, batch.length);
    for (let row = 0; row < batch.length; row++) {
      const answer = this.#interpret(batch, row);
      this.#codes[row] = answer === true ? Truth.yes : answer === false ? Truth.no : Truth.failed;
    }
    return this.#codes;
  }

  /** Whether the batch can be answered without the library. */
  compiled(batch: Batch): boolean {
    return this.#programFor(batch) !== null;
  }

  /** Why evaluation fails at this row, in one line. */
  failure(batch: Batch, row: number): string {
    const answer = this.#interpret(batch, row);
    return typeof answer === 'string' ? answer : `the answer is ${String(answer)}`;
  }

  /** True, false, or the failure. */
  #interpret(batch: Batch, row: number): boolean | string {
    try {
      const answer: unknown = this.#expression(readingContext(batch, row));
      return typeof answer === 'boolean'
        ? answer
        : `the expression gives ${typeof answer}, not true or false`;
    } catch (error) {
      return failureOf(error);
    }
  }

  #programFor(batch: Batch): Truths | null {
    if (this.#bound && sameLayout(this.#layout, batch.columns)) return this.#program;
    let key = '';
    for (const [name, entry] of this.#slots) {
      const { at, kind } = locate(batch.columns, name);
      entry.slot.at = at;
      entry.kind = kind;
      key += kind[0]!;
    }
    // Until a build has found which fields there are, the key says nothing.
    let program = this.#slots.size === 0 ? undefined : this.#programs.get(key);
    if (program === undefined) {
      program = this.#build(batch);
      if (this.#programs.size >= programsMax) this.#programs.clear();
      key = '';
      for (const { kind } of this.#slots.values()) key += kind[0]!;
      this.#programs.set(key, program);
    }
    this.#layout = batch.columns.map(layoutOf);
    this.#program = program;
    this.#bound = true;
    return program;
  }

  #build(batch: Batch): Truths | null {
    const lookup: FieldLookup = (name) => {
      let entry = this.#slots.get(name);
      if (entry === undefined) {
        const { at, kind } = locate(batch.columns, name);
        entry = { slot: { name, at }, kind };
        this.#slots.set(name, entry);
      }
      return entry;
    };
    const vector = buildVector(this.#expression.ast, lookup);
    return vector === undefined ? null : asTruths(vector);
  }
}

/** Name and kind of a column without its values, so that the last batch is not kept alive. */
function layoutOf(column: Column): Column {
  return { kind: column.kind, name: column.name, values: [], present: null } as unknown as Column;
}

function sameLayout(layout: readonly Column[], columns: readonly Column[]): boolean {
  if (layout.length !== columns.length) return false;
  for (let i = 0; i < layout.length; i++) {
    const a = layout[i]!;
    const b = columns[i]!;
    if (a.name !== b.name || a.kind !== b.kind) return false;
  }
  return true;
}
