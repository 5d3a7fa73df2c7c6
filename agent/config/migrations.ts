import { problemAt, type Problem, type SourceTexts } from './problem.ts';
import type { MapEntry, MapNode, Path, SourceNode } from './source-tree.ts';

/** A key that has got another name: the old one is still accepted, with a warning. */
export interface Migration {
  /** Path of the map that holds the key; `*` stands for any name or position. */
  readonly within: readonly string[];
  readonly from: string;
  readonly to: string;
  /** Version that brought the new name. */
  readonly since: string;
  /** When the value changes its form too. */
  readonly convert?: (node: SourceNode) => SourceNode;
}

/** In the order in which they came; an entry is never removed before a major version. */
export const migrations: readonly Migration[] = [];

export interface Migrated {
  readonly root: MapNode;
  readonly warnings: readonly Problem[];
  /** Old and new name beside each other. */
  readonly problems: readonly Problem[];
}

export function migrate(root: MapNode, steps: readonly Migration[], texts: SourceTexts): Migrated {
  const warnings: Problem[] = [];
  const problems: Problem[] = [];
  const rename = (map: MapNode, step: Migration, path: Path): MapNode => {
    const old = map.entries.get(step.from);
    if (old === undefined) return map;
    const here = [...path, step.from];
    if (map.entries.has(step.to)) {
      const message = `is the old name of \`${step.to}\`, which is there too: remove the old one`;
      problems.push(problemAt(texts, old.keyPlace, here, { message }));
    } else {
      const message = `is now called \`${step.to}\` (since ${step.since}); the old name still works`;
      warnings.push(problemAt(texts, old.keyPlace, here, { message, meant: step.to }));
    }
    const node = step.convert?.(old.node) ?? old.node;
    const entries = [...map.entries].flatMap(([key, entry]): [string, MapEntry][] => {
      if (key === step.from) return map.entries.has(step.to) ? [] : [[step.to, { ...old, node }]];
      return [[key, entry]];
    });
    return { ...map, entries: new Map(entries) };
  };
  const visit = (node: SourceNode, step: Migration, depth: number, path: Path): SourceNode => {
    const name = step.within[depth];
    if (name === undefined) return node.kind === 'map' ? rename(node, step, path) : node;
    if (node.kind === 'list' && name === '*') {
      return { ...node, items: node.items.map((item, i) => visit(item, step, depth + 1, [...path, i])) };
    }
    if (node.kind !== 'map') return node;
    const entries = [...node.entries].map(([key, entry]): [string, MapEntry] =>
      name === '*' || name === key
        ? [key, { ...entry, node: visit(entry.node, step, depth + 1, [...path, key]) }]
        : [key, entry],
    );
    return { ...node, entries: new Map(entries) };
  };
  let migrated: SourceNode = root;
  for (const step of steps) migrated = visit(migrated, step, 0, []);
  return { root: migrated as MapNode, warnings, problems };
}
