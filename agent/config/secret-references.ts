import type { Config } from './schema/config.ts';
import { isRecord } from './schema/shape.ts';
import type { Path } from './source-tree.ts';

/** Every `{ secret: NAME }` of a configuration with its place, so that a check can look all of them up before anything starts. */
export function secretReferences(config: Config): readonly { readonly path: Path; readonly name: string }[] {
  const found: { path: Path; name: string }[] = [];
  const visit = (value: unknown, path: Path): void => {
    if (Array.isArray(value)) value.forEach((item, index) => visit(item, [...path, index]));
    if (!isRecord(value)) return;
    const keys = Object.keys(value);
    if (keys.length === 1 && typeof value['secret'] === 'string') found.push({ path, name: value['secret'] });
    else for (const key of keys) visit(value[key], [...path, key]);
  };
  const { tests: _, ...running } = config;
  visit(running, []);
  return found;
}
