import { configSchema } from './schema/config.ts';
import { shapeOf, type Schema, type Shape } from './schema/shape.ts';

/** A map of the schema, with how it is called: `sources.NAME`, told apart by `type: mqtt`. */
export interface SchemaMap {
  readonly path: string;
  /** Last step of the path of a choice: `mqtt`; null elsewhere. */
  readonly branch: string | null;
  readonly fields: ReadonlyMap<string, Schema>;
  readonly schema: Schema;
}

let allMaps: readonly SchemaMap[] | null = null;

/** Every map of the schema, the root first, each before those within it. */
export function schemaMaps(): readonly SchemaMap[] {
  return (allMaps ??= collectMaps());
}

function collectMaps(): readonly SchemaMap[] {
  const maps: SchemaMap[] = [];
  const visit = (schema: Schema, path: string, branch: string | null): void => {
    const shape: Shape = shapeOf(schema);
    switch (shape.kind) {
      case 'map':
        maps.push({ path, branch, fields: shape.fields, schema });
        for (const [key, field] of shape.fields) visit(field, path === '' ? key : `${path}.${key}`, branch);
        return;
      case 'choice':
        for (const [name, option] of shape.branches) visit(option, path, name);
        return;
      case 'record':
        visit(shape.value, `${path}.NAME`, null);
        return;
      case 'list':
        visit(shape.item, `${path}[]`, null);
        return;
      case 'leaf':
    }
  };
  visit(configSchema, '', null);
  return maps;
}

/** Where a key would be legal: `buffer`, `sources.NAME`; at most three places, without `except`. */
export function homesOf(key: string, except: ReadonlyMap<string, Schema> | null): readonly string[] {
  const homes = new Set<string>();
  for (const map of schemaMaps()) {
    if (map.fields === except || !map.fields.has(key)) continue;
    const title = map.path === '' ? 'the top level' : map.path;
    homes.add(map.branch === null ? title : `${title} of type ${map.branch}`);
  }
  return homes.size > 3 ? [] : [...homes];
}
