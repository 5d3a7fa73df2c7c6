import { excerptWidthMax, shownValueMax } from './limits.ts';
import { find, renderPath, type Path, type Place, type SourceNode } from './source-tree.ts';

/** One thing wrong with a configuration, told so that it can be corrected without reading anything else. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Characters to underline, >= 1. */
  readonly width: number;
  /** `sources.line.qos`; '' when it concerns a whole file. */
  readonly path: string;
  /** What stands there, shortened; null when nothing does or when it must not be shown. */
  readonly value: string | null;
  /** What would be right: `0, 1 or 2`. */
  readonly expected: string;
  /** The whole sentence, without place and path. */
  readonly message: string;
  /** The likely meant key or value. */
  readonly meant: string | null;
  /** The line of the file, secrets masked; `excerptColumn` says where in it `column` lies. */
  readonly excerpt: string;
  readonly excerptColumn: number;
}

export interface ProblemParts {
  readonly message: string;
  readonly expected?: string;
  readonly value?: string | null;
  readonly meant?: string | null;
}

/** The text of every file read, for the lines that problems show. */
export class SourceTexts {
  readonly #lines = new Map<string, readonly string[]>();

  add(file: string, text: string): void {
    this.#lines.set(file, text.split(/\r\n|\n|\r/));
  }

  line(place: Place): string {
    return this.#lines.get(place.file)?.[place.line - 1] ?? '';
  }
}

export function problemAt(texts: SourceTexts, place: Place, path: Path, parts: ProblemParts): Problem {
  const { excerpt, column } = excerptOf(texts.line(place), place.column);
  return {
    file: place.file,
    line: place.line,
    column: place.column,
    width: Math.max(1, Math.min(place.width, excerpt.length - column + 1)),
    path: printable(renderPath(path)),
    value: parts.value ?? null,
    expected: parts.expected ?? '',
    message: printable(parts.message),
    meant: parts.meant === undefined || parts.meant === null ? null : printable(parts.meant),
    excerpt,
    excerptColumn: column,
  };
}

/** Points at a wrong value; at the key where a whole map is wrong, empty, or misses something. */
export function problemIn(texts: SourceTexts, root: SourceNode, path: Path, parts: ProblemParts): Problem {
  const found = find(root, path);
  const { node, complete, keyPlace } = found;
  const hasLooks = node.kind === 'list' || (node.kind === 'scalar' && node.value !== null);
  return problemAt(texts, complete && hasLooks ? node.place : keyPlace, path, parts);
}

/** Keys whose plain content must never be shown. `{ secret: NAME }` is only a name and is. */
const secretKey =
  /passw|token|passphrase|credential|authorization|api[-_]?key|private[-_]?key|.secret|secret[-_]/i;

export function isSecretPath(path: Path): boolean {
  return path.some((step) => typeof step === 'string' && secretKey.test(step));
}

/** How a value is shown in a message. */
export function showNode(node: SourceNode, path: Path): string {
  if (node.kind === 'map') return 'a map';
  if (node.kind === 'list') return 'a list';
  if (node.reference !== null) return printable(shorten(node.reference));
  if (isSecretPath(path)) return 'this value';
  if (node.value === null) return 'nothing';
  const text = shorten(typeof node.value === 'string' ? node.value : node.text);
  return typeof node.value === 'string' ? quote(maskUserinfo(text)) : printable(text);
}

export function quote(text: string): string {
  return `"${printable(shorten(text))}"`;
}

function shorten(text: string): string {
  return text.length <= shownValueMax ? text : `${text.slice(0, shownValueMax - 1)}…`;
}

/** Control characters would let a file write to the terminal of who reads about it. */
export function printable(text: string): string {
  return text.replaceAll(/(?!\t)[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '·');
}

function maskUserinfo(text: string): string {
  return text.replaceAll(/\/\/[^/@\s]*@/g, (found) => `//${'*'.repeat(found.length - 3)}@`);
}

/** Masks whatever follows a telling key to the end of the line: too much rather than too little. */
function maskSecrets(line: string): string {
  const masked = line.replace(
    /^(.*?(?:passw|token|passphrase|credential|authorization|api[-_]?key|private[-_]?key|\wsecret|secret[-_])[\w-]*["']?\s*:\s*)(?!\{)(\S.*)$/i,
    (_, before: string, secret: string) => `${before}${'*'.repeat(secret.length)}`,
  );
  return maskUserinfo(masked);
}

function excerptOf(line: string, column: number): { excerpt: string; column: number } {
  const safe = printable(maskSecrets(line.slice(0, excerptWidthMax * 40)));
  if (safe.length <= excerptWidthMax) return { excerpt: safe, column: Math.min(column, safe.length + 1) };
  const from = Math.max(0, Math.min(column - 1 - excerptWidthMax / 3, safe.length - excerptWidthMax));
  const start = Math.floor(from);
  const excerpt = safe.slice(start, start + excerptWidthMax);
  return { excerpt, column: Math.max(1, Math.min(column - start, excerpt.length + 1)) };
}
