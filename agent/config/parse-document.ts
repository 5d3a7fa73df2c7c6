import {
  Composer,
  CST,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
  type Document,
  type Node,
  type Pair,
  type ParsedNode,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { aliasesLimit, depthLimit, fileTextLimit, nodesLimit } from './limits.ts';
import { problemAt, quote, type Problem, type SourceTexts } from './problem.ts';
import type { MapEntry, MapNode, Path, Place, SourceNode } from './source-tree.ts';

export interface SourceFile {
  /** As it is to be shown. */
  readonly name: string;
  readonly text: string;
}

export type ParsedDocument =
  | { readonly ok: true; readonly root: MapNode }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** One YAML (or JSON) document with the place of every node; everything in it is bounded before it is built. */
export function parseDocument(file: SourceFile, texts: SourceTexts): ParsedDocument {
  const fault = (message: string): ParsedDocument => ({
    ok: false,
    problems: [problemAt(texts, { file: file.name, line: 1, column: 1, width: 1 }, [], { message })],
  });
  if (file.text.length > fileTextLimit) {
    return fault(`holds ${file.text.length} characters; at most ${fileTextLimit} are read`);
  }
  // Editors of some systems begin a file with a byte order mark.
  const text = file.text.startsWith('\ufeff') ? file.text.slice(1) : file.text;
  texts.add(file.name, text);
  if (nestsTooDeep(text)) return fault(`nests maps and lists deeper than ${depthLimit}`);
  const lines = new LineCounter();
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const composer = new Composer<ParsedNode, false>({
    prettyErrors: false,
    uniqueKeys: false,
    keepSourceTokens: false,
  });
  const documents = [...composer.compose(tokens, true, text.length)];
  const placeAt = (from: number, to: number): Place => placeIn(lines, file.name, from, to);
  const problems = syntaxProblems(documents, texts, placeAt);
  if (problems.length > 0) return { ok: false, problems };
  if (documents.length > 1) {
    const second = documents[1]!.range?.[0] ?? text.length;
    return {
      ok: false,
      problems: [
        problemAt(texts, placeAt(second, second + 1), [], {
          message: 'begins a second document: put everything into one, or into files of conf.d',
        }),
      ],
    };
  }
  return new TreeBuilder(file.name, texts, lines).build(documents[0]!);
}

/** What nests on one line outside of brackets: `- - ? a`. */
const compact = new Set(['seq-item-ind', 'explicit-key-ind', 'map-value-ind', 'anchor', 'tag']);

/** Flow brackets and dashes of one line, seen before the parser (whose work grows with the square of the depth). */
function nestsTooDeep(text: string): boolean {
  let flow = 0;
  let onLine = 0;
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token);
    if (type === 'flow-map-start' || type === 'flow-seq-start') flow++;
    else if (type === 'flow-map-end' || type === 'flow-seq-end') flow = Math.max(0, flow - 1);
    else if (type === 'newline') onLine = 0;
    else if (flow === 0 && compact.has(type ?? '')) onLine++;
    if (flow > depthLimit || onLine > depthLimit) return true;
  }
  return blockDepthExceeds(text);
}

/** Nesting by indentation: the number of distinct indents that are open at a line. */
function blockDepthExceeds(text: string): boolean {
  const open: number[] = [];
  for (const [, blank] of text.matchAll(/^([ ]*)[^\s#]/gm)) {
    const indent = blank!.length;
    while (open.length > 0 && open.at(-1)! >= indent) open.pop();
    open.push(indent);
    if (open.length > depthLimit * 2) return true;
  }
  return false;
}

function placeIn(lines: LineCounter, file: string, from: number, to: number): Place {
  const start = lines.linePos(from);
  const end = lines.linePos(Math.max(from, to));
  const line = Math.max(1, start.line);
  const column = Math.max(1, start.col);
  return { file, line, column, width: start.line === end.line ? Math.max(1, end.col - column) : 1 };
}

function syntaxProblems(
  documents: readonly Document<Node, false>[],
  texts: SourceTexts,
  placeAt: (from: number, to: number) => Place,
): Problem[] {
  const errors = documents.flatMap((document) => [...document.errors, ...document.warnings]);
  const [first] = errors;
  if (first?.code === 'MISSING_CHAR' && /quote/i.test(first.message)) {
    // The parser notices at the end of the text; the reader looks for the beginning.
    const start = documents.map(lastQuoted).findLast((offset) => offset !== null) ?? first.pos[0];
    return [
      problemAt(texts, placeAt(start, start + 1), [], { message: 'begins a quote that is never closed' }),
    ];
  }
  return errors
    .filter((error, index) => index === 0 || !consequences.has(error.code))
    .map((error) => {
      const place = placeAt(error.pos[0], error.pos[1]);
      const message = syntaxMessage(error.code, error.message, texts.line(place));
      return problemAt(texts, place, [], { message });
    });
}

function lastQuoted(document: Document<Node, false>): number | null {
  let offset: number | null = null;
  visit(document.contents, {
    Scalar: (_, node) => {
      if (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') offset = node.range?.[0] ?? offset;
    },
  });
  return offset;
}

/** What the parser also complains of once it has lost its way. */
const consequences = new Set(['UNEXPECTED_TOKEN', 'MISSING_CHAR', 'IMPOSSIBLE', 'BAD_COLLECTION_TYPE']);

/** What went wrong, in words that need no knowledge of YAML's grammar. Never quotes content: it might be a secret. */
function syntaxMessage(code: string, message: string, line: string): string {
  if (code === 'UNEXPECTED_TOKEN' && /[{[,:]\s*\$\{[^"']*[}\]]/.test(line)) {
    return 'ends in the middle of a ${…}; within { } and [ ] put it in quotes';
  }
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'is indented with a tab; YAML wants spaces';
    case 'BAD_INDENT':
      if (/^flow (map|sequence)/i.test(message))
        return `begins before the ${/map/i.test(message) ? '{' : '['} above is closed; is a ${/map/i.test(message) ? '}' : ']'} missing there?`;
      return 'is indented differently from the lines it belongs to';
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'has a second ": " on the line; put text that contains ": " in quotes';
    case 'MISSING_CHAR':
      return `is not complete here: ${firstClause(message)} (is a comma, bracket or ":" missing?)`;
    case 'BAD_ALIAS':
      return 'is an alias nobody defined; put text that begins with * in quotes';
    case 'TAG_RESOLVE_FAILED':
      return 'uses a YAML tag that means nothing here; put text that begins with ! in quotes';
    case 'BAD_DQ_ESCAPE':
      return 'has an unknown escape in double quotes; write \\\\ for a backslash, or use single quotes';
    case 'MULTILINE_IMPLICIT_KEY':
      return 'is no key: after it a ":" is missing';
    case 'BAD_SCALAR_START':
      return 'begins with a character that YAML reserves; put it in quotes';
    default:
      return `is no valid YAML: ${firstClause(message)}`;
  }
}

function firstClause(message: string): string {
  return message
    .split(/[\n"]/, 1)[0]!
    .replace(/[:\s]+$/, '')
    .toLowerCase();
}

/** A problem that ends the building of a tree. */
class Stop extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** From the library's nodes to ours: aliases and merge keys followed, duplicates refused, all within bounds. */
class TreeBuilder {
  readonly #file: string;
  readonly #texts: SourceTexts;
  readonly #lines: LineCounter;
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  readonly #problems: Problem[] = [];
  #nodes = 0;
  #aliases = 0;

  constructor(file: string, texts: SourceTexts, lines: LineCounter) {
    this.#file = file;
    this.#texts = texts;
    this.#lines = lines;
  }

  build(document: Document<ParsedNode, false>): ParsedDocument {
    try {
      const contents = document.contents as Node | null;
      const empty = contents === null || (isScalar(contents) && contents.value === null);
      const root = empty ? null : this.#node(contents, []);
      if (this.#problems.length > 0) return { ok: false, problems: this.#problems };
      if (root?.kind === 'map') return { ok: true, root };
      if (root === null) {
        return { ok: true, root: { kind: 'map', place: this.#place(0, 1), entries: new Map() } };
      }
      const message = 'is not a configuration: it begins with a map of sections such as `sources:`';
      return { ok: false, problems: [problemAt(this.#texts, root.place, [], { message })] };
    } catch (error) {
      if (error instanceof Stop) return { ok: false, problems: [...this.#problems, error.problem] };
      throw error;
    }
  }

  #node(node: Node | null, path: Path): SourceNode {
    if (++this.#nodes > nodesLimit)
      this.#stop(node, path, `makes more than ${nodesLimit} values with its aliases`);
    if (path.length > depthLimit) this.#stop(node, path, `nests maps and lists deeper than ${depthLimit}`);
    if (isAlias(node)) return this.#alias(node, node.source, path);
    if (node?.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isMap(node)) return this.#within(node, path, () => this.#map(node, path));
    if (isSeq(node)) {
      return this.#within(node, path, () => ({
        kind: 'list',
        place: this.#placeOf(node),
        items: node.items.map((item, index) => this.#node(asNode(item), [...path, index])),
      }));
    }
    return this.#scalar(node);
  }

  #scalar(node: Scalar | null): SourceNode {
    const value = node?.value;
    const known = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    return {
      kind: 'scalar',
      place: this.#placeOf(node),
      value: known ? value : null,
      text: node?.source ?? (known ? String(value) : ''),
      plain: node?.type === 'PLAIN' || node?.type === undefined,
      reference: null,
    };
  }

  #alias(node: Node, name: string, path: Path): SourceNode {
    if (++this.#aliases > aliasesLimit) this.#stop(node, path, `is one of more than ${aliasesLimit} aliases`);
    const target = this.#anchors.get(name);
    if (target === undefined)
      this.#stop(node, path, `is an alias of ${quote(name)}, which is not defined before it`);
    if (this.#open.has(target)) this.#stop(node, path, `is an alias of a map or list that contains it`);
    return this.#node(target, path);
  }

  #within<T>(node: Node, path: Path, build: () => T): T {
    if (this.#open.has(node)) this.#stop(node, path, 'contains itself');
    this.#open.add(node);
    const built = build();
    this.#open.delete(node);
    return built;
  }

  #map(node: YAMLMap, path: Path): MapNode {
    const entries = new Map<string, MapEntry>();
    const inherited: MapNode[] = [];
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const key = this.#key(pair.key, path);
      if (key === null) continue;
      const keyPlace = this.#placeOf(pair.key);
      if (key === '<<') {
        inherited.push(...this.#merged(pair.value, path));
        continue;
      }
      const earlier = entries.get(key);
      if (earlier !== undefined) {
        this.#report(keyPlace, [...path, key], `is defined twice: first at line ${earlier.keyPlace.line}`);
        continue;
      }
      entries.set(key, { keyPlace, node: this.#node(pair.value, [...path, key]) });
    }
    for (const map of inherited) {
      for (const [key, entry] of map.entries) if (!entries.has(key)) entries.set(key, entry);
    }
    return { kind: 'map', place: this.#placeOf(node), entries };
  }

  /** The maps of a merge key `<<: *defaults`, or `<<: [*a, *b]`. */
  #merged(value: Node | null, path: Path): readonly MapNode[] {
    const node = this.#node(value, [...path, '<<']);
    const maps = node.kind === 'list' ? node.items : [node];
    for (const map of maps) {
      if (map.kind !== 'map')
        this.#report(map.place, [...path, '<<'], 'is not a map, so it cannot be merged');
    }
    return maps.filter((map) => map.kind === 'map');
  }

  /** Keys are texts; a number stands for its characters. */
  #key(node: Node | null, path: Path): string | null {
    const target = isAlias(node) ? (this.#anchors.get(node.source) ?? null) : node;
    const written = isScalar(target) ? (target.source ?? target.value) : null;
    if (typeof written !== 'string' || (isScalar(target) && target.value === null)) {
      this.#report(this.#placeOf(node), path, 'has a key that is not a text');
      return null;
    }
    if (written === '__proto__') {
      this.#report(this.#placeOf(node), path, 'has a key "__proto__", which is not allowed');
      return null;
    }
    return written;
  }

  #placeOf(node: Node | null): Place {
    return this.#place(node?.range?.[0] ?? 0, node?.range?.[1] ?? 0);
  }

  #place(from: number, to: number): Place {
    return placeIn(this.#lines, this.#file, from, to);
  }

  #report(place: Place, path: Path, message: string): void {
    this.#problems.push(problemAt(this.#texts, place, path, { message }));
  }

  #stop(node: Node | null, path: Path, message: string): never {
    throw new Stop(problemAt(this.#texts, this.#placeOf(node), path, { message }));
  }
}

function asNode(item: unknown): Node | null {
  return item as Node | null;
}
