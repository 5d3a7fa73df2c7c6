import type * as z from 'zod';
import { assert } from '../../base/assert.ts';
import { leafNotes, type LeafNotes } from './leaf.ts';

export type Schema = z.core.$ZodType;

/** A piece of the schema as messages, printing and reference see it. */
export type Shape =
  | { readonly kind: 'map'; readonly fields: ReadonlyMap<string, Schema> }
  /** A map whose keys depend on what stands in its `by` key. */
  | { readonly kind: 'choice'; readonly by: string; readonly branches: ReadonlyMap<string, Schema> }
  | { readonly kind: 'record'; readonly value: Schema; readonly key: Schema }
  | { readonly kind: 'list'; readonly item: Schema }
  | { readonly kind: 'leaf'; readonly notes: LeafNotes };

/** What stands around a schema in its map. */
export interface FieldNotes {
  readonly description: string | null;
  /** May be left out. */
  readonly optional: boolean;
  /** In input form; undefined: none. */
  readonly preset: unknown;
}

/** Shapes already told: walking the schema's own structure is a thousand times slower than a look-up. */
const known = new WeakMap<Schema, Shape>();

export function shapeOf(schema: Schema): Shape {
  let shape = known.get(schema);
  if (shape === undefined) known.set(schema, (shape = tellShape(schema)));
  return shape;
}

function tellShape(schema: Schema): Shape {
  const notes = leafNotes(schema);
  if (notes !== undefined) return { kind: 'leaf', notes };
  const { def } = schema as unknown as { def: Definition };
  switch (def.type) {
    case 'optional':
    case 'prefault':
    case 'readonly':
      return shapeOf(def.innerType!);
    case 'pipe':
      return shapeOf(def.in!);
    case 'object':
      return { kind: 'map', fields: new Map(Object.entries(def.shape!)) };
    case 'union':
      assert(def.discriminator !== undefined, 'a union in the schema is a leaf or has a discriminator');
      return { kind: 'choice', by: def.discriminator, branches: branchesOf(def.options!, def.discriminator) };
    case 'record':
      return { kind: 'record', value: def.valueType!, key: def.keyType! };
    case 'array':
      return { kind: 'list', item: def.element! };
    case 'literal': {
      const words = def.values!.map(String);
      const text = words.join(' or ');
      return { kind: 'leaf', notes: { type: text, expected: text, words } };
    }
    default:
      assert(false, `the schema has no notes for a ${def.type}`);
  }
}

export function fieldNotes(schema: Schema): FieldNotes {
  let description: string | null = null;
  let optional = false;
  let preset: unknown;
  for (let at: Schema | undefined = schema; at !== undefined;) {
    description ??= (at as z.ZodType).description ?? null;
    const { def } = at as unknown as { def: Definition };
    if (def.type === 'optional') optional = true;
    if (def.type === 'prefault') {
      optional = true;
      preset = def.defaultValue;
    }
    at =
      leafNotes(at) === undefined || def.type === 'optional' || def.type === 'prefault'
        ? def.innerType
        : undefined;
  }
  return { description, optional, preset };
}

/** The schema at a path of a value; null where the path leads nowhere. `value` picks branches of choices. */
export function schemaAt(root: Schema, value: unknown, path: readonly PropertyKey[]): Schema | null {
  let schema = root;
  let here = value;
  for (const step of path) {
    const shape = shapeOf(schema);
    const next = stepInto(shape, here, step);
    if (next === null) return shape.kind === 'leaf' ? schema : null;
    schema = next;
    here = isRecord(here) || Array.isArray(here) ? (here as Record<PropertyKey, unknown>)[step] : undefined;
  }
  return schema;
}

function stepInto(shape: Shape, value: unknown, step: PropertyKey): Schema | null {
  switch (shape.kind) {
    case 'map':
      return shape.fields.get(String(step)) ?? null;
    case 'choice': {
      const fields = fieldsOf(shape, value);
      return (
        fields?.get(String(step)) ??
        [...shape.branches.values()].map((b) => mapFields(b).get(String(step)))[0] ??
        null
      );
    }
    case 'record':
      return shape.value;
    case 'list':
      return shape.item;
    case 'leaf':
      return null;
  }
}

/** The legal fields of a map value; null when its kind cannot be told. */
export function fieldsOf(shape: Shape, value: unknown): ReadonlyMap<string, Schema> | null {
  if (shape.kind === 'map') return shape.fields;
  if (shape.kind !== 'choice' || !isRecord(value)) return null;
  const branch = shape.branches.get(String(value[shape.by]));
  return branch === undefined ? null : mapFields(branch);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Definition {
  readonly type: string;
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly shape?: Record<string, Schema>;
  readonly discriminator?: string;
  readonly options?: readonly Schema[];
  readonly valueType?: Schema;
  readonly keyType?: Schema;
  readonly element?: Schema;
  readonly values?: readonly unknown[];
  readonly defaultValue?: unknown;
}

function mapFields(schema: Schema): ReadonlyMap<string, Schema> {
  const shape = shapeOf(schema);
  assert(shape.kind === 'map', 'a branch of a choice is a map');
  return shape.fields;
}

function branchesOf(options: readonly Schema[], by: string): ReadonlyMap<string, Schema> {
  const branches = new Map<string, Schema>();
  for (const option of options) {
    const shape = shapeOf(mapFields(option).get(by)!);
    assert(shape.kind === 'leaf' && shape.notes.words?.length === 1, 'a branch is told by one word');
    branches.set(shape.notes.words[0]!, option);
  }
  return branches;
}
