import type { Batch } from '../../reading/batch.ts';

/** Truth of a row in CEL: false, true, or no answer. `&&` and `||` are Kleene's: false && error is false. */
export const Truth = { no: 0, yes: 1, failed: 2 } as const;

/**
 * A part of an expression over all rows of a batch. `load` computes it for one batch; what it then holds is valid for rows
 * 0 … batch.length - 1 until the next `load`. A row that is not present is one where evaluation fails.
 */
export type Vector = Truths | Numbers | Texts | Literal | Failed;

export interface Truths {
  readonly type: 'truths';
  /** {@link Truth} codes. */
  codes: Uint8Array;
  load(batch: Batch): void;
}

/** Doubles. */
export interface Numbers {
  readonly type: 'numbers';
  values: Float64Array;
  present: Uint8Array | null;
  load(batch: Batch): void;
}

/** Text of row i is `values[index === null ? i : index[i]]`; undefined there fails like a row that is not present. */
export interface Texts {
  readonly type: 'texts';
  values: readonly (string | undefined)[];
  index: Uint8Array | Uint32Array | null;
  present: Uint8Array | null;
  load(batch: Batch): void;
}

/** `int` marks a CEL int within ±(2^53 - 1), held as a number. */
export interface Literal {
  readonly type: 'literal';
  readonly value: number | string | boolean;
  readonly int: boolean;
}

/** Fails at every row: a field that no reading of the batch has, or operands that do not go together. */
export interface Failed {
  readonly type: 'failed';
}

export const failed: Failed = { type: 'failed' };

/** Never shorter than the batch; contents are whatever was there. */
export function roomFor(scratch: Uint8Array, length: number): Uint8Array {
  return scratch.length >= length ? scratch : new Uint8Array(Math.max(64, length * 2));
}

export function roomForNumbers(scratch: Float64Array, length: number): Float64Array {
  return scratch.length >= length ? scratch : new Float64Array(Math.max(64, length * 2));
}

/** Truths from a function that fills codes for `length` rows. */
export function truths(fill: (batch: Batch, codes: Uint8Array) => void): Truths {
  return {
    type: 'truths',
    codes: new Uint8Array(0),
    load(batch) {
      this.codes = roomFor(this.codes, batch.length);
      fill(batch, this.codes);
    },
  };
}

/** The same answer everywhere. */
export const constantTruth = (code: number): Truths =>
  truths((batch, codes) => codes.fill(code, 0, batch.length));

/** A vector as truth: what is no truth fails. */
export function asTruths(vector: Vector): Truths {
  if (vector.type === 'truths') return vector;
  if (vector.type === 'literal' && typeof vector.value === 'boolean')
    return constantTruth(vector.value ? Truth.yes : Truth.no);
  return constantTruth(Truth.failed);
}

/** `answer` where the operand can be evaluated, failure elsewhere. */
export function whereAnswered(vector: Exclude<Vector, Literal | Failed>, answer: number): Truths {
  return truths((batch, codes) => {
    vector.load(batch);
    for (let i = 0; i < batch.length; i++) codes[i] = answered(vector, i) ? answer : Truth.failed;
  });
}

/** Whether a loaded vector has an answer at the row. */
export function answered(vector: Exclude<Vector, Literal | Failed>, row: number): boolean {
  if (vector.type === 'truths') return vector.codes[row] !== Truth.failed;
  if (vector.present !== null && vector.present[row] === 0) return false;
  return vector.type === 'numbers' || textAt(vector, row) !== undefined;
}

export function textAt(vector: Texts, row: number): string | undefined {
  return vector.values[vector.index === null ? row : vector.index[row]!];
}
