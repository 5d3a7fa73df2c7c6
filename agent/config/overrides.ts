import type { Environment } from './interpolate.ts';
import { overridesLimit, valueTextLimit } from './limits.ts';
import { overridePrefix } from './override-prefix.ts';
import { parseDocument } from './parse-document.ts';
import { problemAt, type Problem, type SourceTexts } from './problem.ts';
import type { MapNode, Place, ScalarNode, SourceNode } from './source-tree.ts';

/**
 * `SEDGE__BUFFER__SIZE=1GiB` sets `buffer.size`, over whatever the files say. Steps of the path are separated by `__` and
 * compared without regard to case, `-` and `_`; a number counts into a list. The value is read as YAML: `["a/#", "b"]` is a list.
 */
export function applyOverrides(
  root: MapNode,
  environment: Environment,
  texts: SourceTexts,
): { readonly root: MapNode; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const names = Object.keys(environment)
    .filter((name) => name.startsWith(overridePrefix) && environment[name] !== undefined)
    .toSorted();
  let result: SourceNode = root;
  for (const [index, name] of names.entries()) {
    const place: Place = { file: name, line: 1, column: 1, width: 1 };
    const value = environment[name]!;
    const steps = name.slice(overridePrefix.length).split('__');
    texts.add(name, value);
    if (index >= overridesLimit) {
      problems.push(
        problemAt(texts, place, [], { message: `is one of more than ${overridesLimit} overrides` }),
      );
      break;
    }
    if (steps.some((step) => step === '')) {
      problems.push(problemAt(texts, place, [], { message: 'names no key: write SEDGE__SECTION__KEY' }));
      continue;
    }
    const node = readValue(name, value, texts);
    if ('message' in node) problems.push(node);
    else result = put(result, steps, node, place);
  }
  return { root: result as MapNode, problems };
}

function readValue(name: string, value: string, texts: SourceTexts): SourceNode | Problem {
  const place: Place = { file: name, line: 1, column: 1, width: Math.max(1, value.length) };
  const text: ScalarNode = { kind: 'scalar', place, value, text: value, plain: true, reference: `$${name}` };
  if (value.length > valueTextLimit) {
    return problemAt(texts, place, [], { message: `holds more than ${valueTextLimit} characters` });
  }
  // A text that is no YAML, such as "*" or "a: b: c", is taken as it stands.
  const parsed = parseDocument({ name, text: `value: ${value}` }, texts);
  texts.add(name, value);
  const node =
    parsed.ok && parsed.root.entries.size === 1 ? parsed.root.entries.get('value')?.node : undefined;
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return text;
  return node.kind === 'scalar' ? { ...text, value: node.value, text: node.text } : atStart(node, place);
}

/** Places within the value of a variable mean nothing to a reader: the whole variable is shown. */
function atStart(node: SourceNode, place: Place): SourceNode {
  if (node.kind === 'scalar') return { ...node, place };
  if (node.kind === 'list') return { ...node, place, items: node.items.map((item) => atStart(item, place)) };
  const entries = new Map<string, { keyPlace: Place; node: SourceNode }>();
  for (const [key, entry] of node.entries)
    entries.set(key, { keyPlace: place, node: atStart(entry.node, place) });
  return { ...node, place, entries };
}

function put(
  node: SourceNode | undefined,
  steps: readonly string[],
  value: SourceNode,
  place: Place,
): SourceNode {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (node?.kind === 'list' && /^\d{1,4}$/.test(step) && Number(step) <= node.items.length) {
    const items = [...node.items];
    items[Number(step)] = put(items[Number(step)], rest, value, place);
    return { ...node, items };
  }
  const entries = new Map(node?.kind === 'map' ? node.entries : []);
  const key = [...entries.keys()].find((candidate) => bare(candidate) === bare(step)) ?? step.toLowerCase();
  const earlier = entries.get(key);
  entries.set(key, { keyPlace: earlier?.keyPlace ?? place, node: put(earlier?.node, rest, value, place) });
  return { kind: 'map', place: node?.kind === 'map' ? node.place : place, entries };
}

function bare(key: string): string {
  return key.replaceAll(/[-_.]/g, '').toLowerCase();
}
