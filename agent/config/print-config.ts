import { stringify } from 'yaml';
import { escapeReferences } from './interpolate.ts';
import { configSchema, type Config } from './schema/config.ts';
import { fieldsOf, isRecord, shapeOf, type Schema } from './schema/shape.ts';

/**
 * The configuration as YAML with every default filled in. Secrets are references in it as they were in the file. Loading what
 * is printed gives the same configuration.
 */
export function printConfig(config: Config): string {
  return stringify(inputForm(configSchema, config), {
    lineWidth: 0,
    aliasDuplicateObjects: false,
    version: '1.2',
  });
}

/** What somebody would have written to get `value`. */
export function inputForm(schema: Schema, value: unknown): unknown {
  const shape = shapeOf(schema);
  switch (shape.kind) {
    case 'leaf':
      return escaped(shape.notes.print === undefined ? value : shape.notes.print(value as never));
    case 'list':
      return (value as readonly unknown[]).map((item) => inputForm(shape.item, item));
    case 'record':
      return mapKeys(value, () => shape.value);
    case 'map':
    case 'choice': {
      const fields = fieldsOf(shape, value);
      return mapKeys(value, (key) => fields!.get(key)!);
    }
  }
}

function mapKeys(value: unknown, schemaOf: (key: string) => Schema): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value as Record<string, unknown>)) {
    if (inner !== undefined) input[key] = inputForm(schemaOf(key), inner);
  }
  return input;
}

function escaped(value: unknown): unknown {
  if (typeof value === 'string') return escapeReferences(value);
  if (Array.isArray(value)) return value.map(escaped);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, escaped(inner)]));
}
