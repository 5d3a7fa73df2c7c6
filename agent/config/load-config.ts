import { problemsLimit } from './limits.ts';
import { applyOverrides } from './overrides.ts';
import { crossCheck, type RoomChecks } from './cross-checks.ts';
import { explainIssues } from './explain-issues.ts';
import { interpolate, typed, type Environment } from './interpolate.ts';
import { mergeFiles } from './merge-files.ts';
import { migrate, migrations as allMigrations, type Migration } from './migrations.ts';
import { parseDocument, type SourceFile } from './parse-document.ts';
import { problemIn, SourceTexts, type Problem } from './problem.ts';
import { completeConfig } from './complete-config.ts';
import { configSchema, type Config } from './schema/config.ts';
import { schemaAt, shapeOf } from './schema/shape.ts';
import { find, replaceAt, toValue, type MapNode, type Path, type SourceNode } from './source-tree.ts';

export interface LoadOptions extends RoomChecks {
  /** The main file first, then those of conf.d in name order. None: all defaults. */
  readonly files: readonly SourceFile[];
  readonly env: Environment;
  /** Used where `agent.id` is not set; the host derives it from the machine id. Default `sedge`. */
  readonly agentId?: string;
  readonly migrations?: readonly Migration[];
}

export type LoadedConfig =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly warnings: readonly Problem[];
      /** Says of a value what only the host could find out, such as a secret that is not there. */
      readonly problemOf: (path: Path, message: string) => Problem;
      /** Variables the files name. With them, the overrides and `agentId` the same files give the same configuration. */
      readonly variables: ReadonlySet<string>;
    }
  /** In the order of files and lines; at most `problemsLimit`. */
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

/** From texts to a checked configuration. Never throws, whatever the texts hold. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const texts = new SourceTexts();
  const read = readTrees(options, texts);
  if (!read.ok) return failed(options, read.problems, []);
  const { root, warnings, problems, variables } = read;
  const { value, root: settled, issues } = applySchema(root);
  // A value that could not be filled in is wrong for one reason only.
  const unfilled = new Set(problems.map((problem) => problem.path));
  const report = (list: Problem[], problem: Problem): void => {
    if (!unfilled.has(problem.path)) list.push(problem);
  };
  for (const problem of explainIssues(issues, settled, texts)) report(problems, problem);
  const config = value ?? withoutFaults(settled, issues);
  if (config !== null) {
    const completed = completeConfig(config, options.agentId ?? 'sedge');
    crossCheck(completed, namesIn(settled), options, {
      error: (path, message, more) => report(problems, problemIn(texts, settled, path, { message, ...more })),
      warning: (path, message, more) =>
        report(warnings, problemIn(texts, settled, path, { message, ...more })),
      written: (path) => find(settled, path).complete,
    });
    if (problems.length === 0) {
      const problemOf = (path: Path, message: string): Problem =>
        problemIn(texts, settled, path, { message });
      return { ok: true, config: completed, warnings: inOrder(options, warnings), problemOf, variables };
    }
  }
  return failed(options, problems, warnings);
}

interface ReadTrees {
  readonly ok: true;
  readonly root: MapNode;
  readonly problems: Problem[];
  readonly warnings: Problem[];
  readonly variables: ReadonlySet<string>;
}

/** Files to one tree, with variables, overrides and old names seen to. */
function readTrees(
  options: LoadOptions,
  texts: SourceTexts,
): ReadTrees | { readonly ok: false; readonly problems: readonly Problem[] } {
  const roots: MapNode[] = [];
  const syntax: Problem[] = [];
  for (const file of options.files.length === 0 ? [{ name: 'defaults', text: '' }] : options.files) {
    const parsed = parseDocument(file, texts);
    if (parsed.ok) roots.push(parsed.root);
    else syntax.push(...parsed.problems);
  }
  // A tree with holes would only produce problems that are none.
  if (syntax.length > 0) return { ok: false, problems: syntax };
  const merged = mergeFiles(roots, texts);
  const filled = interpolate(merged.root, options.env, texts);
  const overridden = applyOverrides(filled.root as MapNode, options.env, texts);
  const migrated = migrate(overridden.root, options.migrations ?? allMigrations, texts);
  return {
    ok: true,
    root: migrated.root,
    problems: [...merged.problems, ...filled.problems, ...overridden.problems, ...migrated.problems],
    warnings: [...migrated.warnings],
    variables: filled.variables,
  };
}

type Issues = NonNullable<ReturnType<typeof configSchema.safeParse>['error']>['issues'];
type ParsedConfig = NonNullable<ReturnType<typeof configSchema.safeParse>['data']>;

interface Applied {
  readonly value: ParsedConfig | null;
  readonly root: SourceNode;
  readonly issues: Issues;
}

/** The schema, given a second look at what only it can decide: empty sections, and variables where text is wanted. */
function applySchema(root: SourceNode): Applied {
  let tree = root;
  // Each round repairs what the one before found; a section that was empty shows nothing new below it.
  for (let round = 0; ; round++) {
    const result = configSchema.safeParse(toValue(tree));
    if (result.success) return { value: result.data, root: tree, issues: [] };
    const { issues } = result.error;
    const repaired = round < 2 ? repair(tree, issues) : tree;
    if (repaired === tree) return { value: null, root: tree, issues };
    tree = repaired;
  }
}

function repair(root: SourceNode, issues: Issues): SourceNode {
  let tree = root;
  const value = toValue(root);
  for (const issue of issues.slice(0, problemsLimit)) {
    const path = issue.path as Path;
    const { node, complete } = find(tree, path);
    if (!complete || node.kind !== 'scalar') continue;
    if (node.value === null) {
      const schema = schemaAt(configSchema, value, path);
      const kind = schema === null ? 'leaf' : shapeOf(schema).kind;
      const { place } = node;
      if (kind === 'map' || kind === 'record') {
        tree = replaceAt(tree, path, () => ({ kind: 'map', place, entries: new Map() }))!;
      } else if (kind === 'list') {
        tree = replaceAt(tree, path, () => ({ kind: 'list', place, items: [] }))!;
      }
    } else if (node.reference !== null) {
      const other = typeof node.value === 'string' ? typed(node.text) : node.text;
      if (other !== node.value) tree = replaceAt(tree, path, () => ({ ...node, value: other }))!;
    }
  }
  return tree;
}

/** What remains when every part with a fault is taken out, so that the other parts are checked against each other too. */
function withoutFaults(root: SourceNode, issues: Issues): ParsedConfig | null {
  let tree: SourceNode | null = root;
  const faulty = new Map<string, Path>();
  for (const { path } of issues) {
    const [section, name] = path as Path;
    if (section === undefined) continue;
    const isEntry = name !== undefined && ['sources', 'streams', 'uplinks'].includes(String(section));
    const part = isEntry ? [section, name] : [section];
    faulty.set(part.join('\0'), part);
  }
  for (const path of faulty.values()) tree = tree === null ? null : replaceAt(tree, path, () => null);
  if (tree?.kind !== 'map') return null;
  const known = [...tree.entries].filter(([key]) => Object.hasOwn(configSchema.shape, key));
  const result = configSchema.safeParse(toValue({ ...tree, entries: new Map(known) }));
  return result.success ? result.data : null;
}

/** The names a file gives, whether or not what they name is right. */
function namesIn(root: SourceNode): { sources: readonly string[]; streams: readonly string[] } {
  const keys = (section: string): readonly string[] => {
    const { node, complete } = find(root, [section]);
    return complete && node.kind === 'map' ? [...node.entries.keys()] : [];
  };
  return { sources: keys('sources'), streams: keys('streams') };
}

function failed(
  options: LoadOptions,
  problems: readonly Problem[],
  warnings: readonly Problem[],
): LoadedConfig {
  return { ok: false, problems: inOrder(options, problems), warnings: inOrder(options, warnings) };
}

function inOrder(options: LoadOptions, problems: readonly Problem[]): readonly Problem[] {
  const rank = new Map(options.files.map((file, index) => [file.name, index]));
  const fileRank = (problem: Problem): number => rank.get(problem.file) ?? rank.size;
  return problems
    .toSorted((a, b) => fileRank(a) - fileRank(b) || a.line - b.line || a.column - b.column)
    .slice(0, problemsLimit);
}
