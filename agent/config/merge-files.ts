import { problemAt, type Problem, type SourceTexts } from './problem.ts';
import {
  renderPath,
  toValue,
  type MapEntry,
  type MapNode,
  type Path,
  type SourceNode,
} from './source-tree.ts';

/**
 * One tree of several files. Maps are merged; `tests:` grow; any other key may be defined once only (or twice the same),
 * because a file that silently wins over another is found out at the worst moment.
 */
export function mergeFiles(
  roots: readonly MapNode[],
  texts: SourceTexts,
): { readonly root: MapNode; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const merge = (one: MapNode, other: MapNode, path: Path): MapNode => {
    const entries = new Map<string, MapEntry>(one.entries);
    for (const [key, entry] of other.entries) {
      const earlier = entries.get(key);
      const here = [...path, key];
      if (earlier === undefined || isNothing(earlier.node)) entries.set(key, entry);
      else if (isNothing(entry.node)) continue;
      else if (earlier.node.kind === 'map' && entry.node.kind === 'map') {
        entries.set(key, { ...earlier, node: merge(earlier.node, entry.node, here) });
      } else if (renderPath(here) === 'tests' && earlier.node.kind === 'list' && entry.node.kind === 'list') {
        const items = [...earlier.node.items, ...entry.node.items];
        entries.set(key, { ...earlier, node: { ...earlier.node, items } });
      } else if (!same(earlier.node, entry.node)) {
        const { file, line } = earlier.keyPlace;
        const message = `is defined a second time, and differently: first at ${file}:${line}`;
        problems.push(problemAt(texts, entry.keyPlace, here, { message }));
      }
    }
    return { ...one, entries };
  };
  const [first, ...rest] = roots;
  const root = rest.reduce((merged, next) => merge(merged, next, []), first!);
  return { root, problems };
}

/** `buffer:` with nothing behind it. */
function isNothing(node: SourceNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

function same(one: SourceNode, other: SourceNode): boolean {
  return JSON.stringify(toValue(one)) === JSON.stringify(toValue(other));
}
