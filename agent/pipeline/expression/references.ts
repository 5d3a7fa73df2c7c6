import type { ASTNode } from '@marcbachmann/cel-js';
import type { Batch, Column, Tags } from '../../reading/batch.ts';
import { qualityNames } from '../../reading/batch.ts';
import { roomFor, Truth } from './vectors.ts';
import type { Numbers, Texts, Truths, Vector } from './vectors.ts';
import { failed, truths } from './vectors.ts';

/** What an expression names: a field of the reading, a tag, or one of the fixed variables. */
export type Reference =
  | { readonly of: 'reading'; readonly name: string }
  | { readonly of: 'tags'; readonly name: string }
  | { readonly of: 'stream' }
  | { readonly of: 'quality' };

/** Undefined: a shape that is left to the library. */
export function referenceOf(node: ASTNode): Reference | undefined {
  const path: string[] = [];
  let at = node;
  while (at.op === '.' || at.op === '[]') {
    if (at.op === '.') {
      path.unshift(at.args[1]);
      at = at.args[0];
      continue;
    }
    const key: ASTNode = at.args[1];
    if (key.op !== 'value' || typeof key.args !== 'string') return undefined;
    path.unshift(key.args);
    at = at.args[0];
  }
  if (at.op !== 'id') return undefined;
  if (path.length === 0) return at.args === 'stream' || at.args === 'quality' ? { of: at.args } : undefined;
  if (at.args === 'tags') return path.length === 1 ? { of: 'tags', name: path[0]! } : undefined;
  if (at.args !== 'reading') return undefined;
  // A key with a dot in the middle of a path names no single field.
  if (path.length > 1 && path.some((part) => part.includes('.') || part === '')) return undefined;
  return { of: 'reading', name: path.join('.') };
}

/** Where a field stands in batches of one layout; `at` is changed when the layout moves and the kind does not. */
export interface FieldSlot {
  readonly name: string;
  /** Index into the columns; -1: the batch has no such field. */
  at: number;
}

/** Kinds of a field as far as vectors know them. `other`: a column or a name only the library can handle. */
export type SlotKind = 'number' | 'boolean' | 'text' | 'absent' | 'other';

/** Where a field stands in these columns, or `other` when its name is also a branch or a leaf of another one. */
export function locate(columns: readonly Column[], name: string): { at: number; kind: SlotKind } {
  let at = -1;
  for (let i = 0; i < columns.length; i++) {
    const other = columns[i]!.name;
    if (other === name) at = i;
    else if (other.startsWith(`${name}.`) || name.startsWith(`${other}.`)) return { at: -1, kind: 'other' };
  }
  if (at < 0) return { at, kind: 'absent' };
  const { kind } = columns[at]!;
  return { at, kind: kind === 'number' || kind === 'boolean' || kind === 'text' ? kind : 'other' };
}

/** The values of a field; `kind` must be what the batch's column has. */
export function fieldVector(slot: FieldSlot, kind: Exclude<SlotKind, 'other'>): Vector {
  switch (kind) {
    case 'number':
      return numbersOfField(slot);
    case 'boolean':
      return truthsOfField(slot);
    case 'text':
      return textsOfField(slot);
    case 'absent':
      return failed;
  }
}

function numbersOfField(slot: FieldSlot): Numbers {
  return {
    type: 'numbers',
    values: new Float64Array(0),
    present: null,
    load(batch) {
      const column = batch.columns[slot.at]!;
      this.values = column.values as Float64Array;
      this.present = column.present;
    },
  };
}

function textsOfField(slot: FieldSlot): Texts {
  return {
    type: 'texts',
    values: [],
    index: null,
    present: null,
    load(batch) {
      const column = batch.columns[slot.at]!;
      this.values = column.values as readonly string[];
      this.present = column.present;
    },
  };
}

function truthsOfField(slot: FieldSlot): Truths {
  let scratch = new Uint8Array(0) as Uint8Array;
  return {
    type: 'truths',
    codes: scratch,
    load(batch) {
      const column = batch.columns[slot.at]!;
      const values = column.values as Uint8Array;
      const { present } = column;
      if (present === null) {
        this.codes = values;
        return;
      }
      scratch = roomFor(scratch, batch.length);
      for (let i = 0; i < batch.length; i++) scratch[i] = present[i] === 0 ? Truth.failed : values[i]!;
      this.codes = scratch;
    },
  };
}

/** One text per series, reached through the series index. */
export function tagVector(name: string): Texts {
  return {
    type: 'texts',
    values: [],
    index: null,
    present: null,
    load(batch) {
      this.values = batch.series.map((tags) => ownTag(tags, name));
      this.index = batch.seriesIndex;
    },
  };
}

const ownTag = (tags: Tags, name: string): string | undefined =>
  Object.hasOwn(tags, name) ? tags[name] : undefined;

export function qualityVector(): Texts {
  return {
    type: 'texts',
    values: qualityNames,
    index: null,
    present: null,
    load(batch) {
      this.index = batch.quality;
    },
  };
}

/** The stream's name at every row. */
export function streamVector(): Texts {
  let zeros = new Uint8Array(0) as Uint8Array;
  return {
    type: 'texts',
    values: [],
    index: null,
    present: null,
    load(batch) {
      this.values = [batch.stream];
      zeros = roomFor(zeros, batch.length);
      this.index = zeros;
    },
  };
}

/** `has(reading.x)`. Of a nested name it asks for the last part only: readings without the branch before it fail. */
export function hasField(slot: FieldSlot): Truths {
  const dot = slot.name.lastIndexOf('.');
  const branch = dot < 0 ? null : slot.name.slice(0, dot + 1);
  return truths((batch: Batch, codes) => {
    const present = slot.at < 0 ? undefined : batch.columns[slot.at]!.present;
    if (present === null) {
      codes.fill(Truth.yes, 0, batch.length);
      return;
    }
    codes.fill(branch === null ? Truth.no : Truth.failed, 0, batch.length);
    if (branch !== null) markBranch(batch, branch, codes);
    if (present !== undefined)
      for (let i = 0; i < batch.length; i++) if (present[i] === 1) codes[i] = Truth.yes;
  });
}

/** `no` where some other field stands on the branch. */
function markBranch(batch: Batch, branch: string, codes: Uint8Array): void {
  for (const { name, present } of batch.columns) {
    if (!name.startsWith(branch)) continue;
    for (let i = 0; i < batch.length; i++) if (present === null || present[i] === 1) codes[i] = Truth.no;
  }
}

export function hasTag(name: string): Truths {
  return truths((batch, codes) => {
    const answers = batch.series.map((tags) => (Object.hasOwn(tags, name) ? Truth.yes : Truth.no));
    for (let i = 0; i < batch.length; i++) codes[i] = answers[batch.seriesIndex[i]!]!;
  });
}
