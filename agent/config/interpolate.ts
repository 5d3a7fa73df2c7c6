import { valueTextLimit } from './limits.ts';
import { problemAt, type Problem, type SourceTexts } from './problem.ts';
import type { MapEntry, Path, ScalarNode, SourceNode } from './source-tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Interpolated {
  readonly root: SourceNode;
  readonly problems: readonly Problem[];
  /** Names that were asked for, whether or not they are set. */
  readonly variables: ReadonlySet<string>;
}

/**
 * Fills `${VAR}`, `${VAR:-default}`, `${VAR:?message}` and `$$` into values, after parsing: what a variable holds can never
 * become a key, a list or another value. Keys stay as they are. As in a shell, `:-` and `:?` also act on an empty variable.
 * What came out as a number, true or false is one where the schema wants that, and text where it wants text, quoted or not.
 */
export function interpolate(root: SourceNode, environment: Environment, texts: SourceTexts): Interpolated {
  const problems: Problem[] = [];
  const variables = new Set<string>();
  const visit = (node: SourceNode, path: Path): SourceNode => {
    switch (node.kind) {
      case 'list':
        return { ...node, items: node.items.map((item, index) => visit(item, [...path, index])) };
      case 'map': {
        const entries = new Map<string, MapEntry>();
        for (const [key, entry] of node.entries) {
          entries.set(key, { ...entry, node: visit(entry.node, [...path, key]) });
        }
        return { ...node, entries };
      }
      case 'scalar': {
        if (typeof node.value !== 'string' || !node.value.includes('$')) return node;
        const filled = fill(node.value, environment, variables);
        if ('message' in filled) {
          problems.push(problemAt(texts, node.place, path, { message: filled.message }));
          return { ...node, value: '', reference: node.value };
        }
        return filled.text === node.value ? node : withText(node, filled);
      }
    }
  };
  return { root: visit(root, []), problems, variables };
}

interface Filled {
  readonly text: string;
  /** False when only `$$` was replaced. */
  readonly usesVariable: boolean;
}

/** Sticky: what a `$` may begin. */
const references = /\$(?:\$|\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::(?<operator>[-?])(?<word>[^}]*))?\}|\{)/g;

function fill(
  text: string,
  environment: Environment,
  variables: Set<string>,
): Filled | { readonly message: string } {
  let message: string | null = null;
  let usesVariable = false;
  const filled = text.replaceAll(references, (found, ...rest) => {
    const { name, operator, word } = rest.at(-1) as Record<string, string | undefined>;
    if (found === '$$') return '$';
    if (name === undefined) {
      message ??=
        'has a "${" that is no reference: write ${NAME}, ${NAME:-default} or ${NAME:?message}, or $${ for the characters';
      return '';
    }
    usesVariable = true;
    variables.add(name);
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value !== undefined && (value !== '' || operator === undefined)) return value;
    if (operator === '-') return word!;
    const why =
      operator === '?' && word !== '' ? `: ${word}` : '; write ${' + name + ':-default} to allow for that';
    message ??= `needs the variable ${name}, which is ${value === undefined ? 'not set' : 'empty'}${why}`;
    return '';
  });
  if (message !== null) return { message };
  if (filled.length > valueTextLimit) {
    return { message: `comes to ${filled.length} characters; at most ${valueTextLimit} are taken` };
  }
  return { text: filled, usesVariable };
}

function withText(node: ScalarNode, filled: Filled): ScalarNode {
  const reference = filled.usesVariable ? String(node.value) : null;
  const value = node.plain && filled.usesVariable ? typed(filled.text) : filled.text;
  return { ...node, value, text: filled.text, reference };
}

/** Numbers and truth values as YAML 1.2 writes them; everything else is text, an empty one too. */
export function typed(text: string): string | number | boolean {
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(text)) {
    const number = Number(text);
    if (Number.isFinite(number)) return number;
  }
  return text;
}

/** The text that {@link interpolate} turns back into `text`. */
export function escapeReferences(text: string): string {
  return text.replaceAll(/\$(?=[{$])/g, '$$$$');
}
