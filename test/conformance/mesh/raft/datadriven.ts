/**
 * The script format of cockroachdb/datadriven: a directive line, input lines, `----`, and the expected output up to the first
 * blank line, or, after a doubled `----`, up to the next doubled one.
 */
export interface Argument {
  readonly key: string;
  /** None for a bare word; one for `key=value`; several for `key=(a, b)`. */
  readonly values: readonly string[];
}

export interface Directive {
  /** Of the directive, counted from 1. */
  readonly line: number;
  readonly command: string;
  readonly args: readonly Argument[];
  readonly input: string;
  /** Ends in a newline, or is empty. */
  readonly expected: string;
  /** Lines of the file, counted from 0, that hold the separators and the output: [start, end). Empty without a separator. */
  readonly answer: { readonly start: number; readonly end: number };
}

/** A file that is not of the format; the message names the line. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
}

export function parseScript(text: string): Directive[] {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (lines.at(-1) === '') lines.pop();
  const directives: Directive[] = [];
  for (let at = 0; at < lines.length;) {
    const line = at + 1;
    let head = lines[at++]!.trim();
    if (head.startsWith('#')) continue;
    while (head.endsWith('\\') && at < lines.length) head = `${head.slice(0, -1)} ${lines[at++]!.trim()}`;
    if (head === '') continue;
    const { command, args } = parseDirectiveLine(head, line);
    const separator = lines.indexOf('----', at);
    const inputEnd = separator < 0 ? lines.length : separator;
    const input = lines.slice(at, inputEnd).join('\n').trim();
    // Allowed there, never used in these scripts, and what a damaged separator looks like.
    if (/\n[ \t]*\n/.test(input))
      throw new ScriptError(`line ${line}: a blank line before the ---- of ${command}`);
    at = inputEnd + 1;
    let expected = '';
    let end = inputEnd;
    if (separator >= 0) ({ expected, at, end } = readExpected(lines, at, line));
    directives.push({ line, command, args, input, expected, answer: { start: inputEnd, end } });
  }
  return directives;
}

function readExpected(
  lines: readonly string[],
  start: number,
  line: number,
): { readonly expected: string; readonly at: number; readonly end: number } {
  let at = start;
  let expected = '';
  if (lines[at] !== '----') {
    while (at < lines.length && lines[at]!.trim() !== '') expected += `${lines[at++]}\n`;
    return { expected, at: at + 1, end: at };
  }
  for (at++; at < lines.length; at++) {
    if (lines[at] === '----' && lines[at + 1] === '----') {
      const after = lines[at + 2];
      if (after !== undefined && after !== '')
        throw new ScriptError(`line ${line}: a doubled ---- is followed by a blank line`);
      return { expected, at: at + 3, end: at + 2 };
    }
    expected += `${lines[at]}\n`;
  }
  return { expected, at, end: at };
}

function parseDirectiveLine(
  text: string,
  line: number,
): { readonly command: string; readonly args: readonly Argument[] } {
  let rest = text;
  const until = (stop: RegExp): string => {
    const index = rest.search(stop);
    const taken = index < 0 ? rest : rest.slice(0, index);
    rest = rest.slice(taken.length);
    return taken;
  };
  const command = until(/ /);
  rest = rest.trim();
  const args: Argument[] = [];
  while (rest !== '') {
    const key = until(/[ =]/);
    if (key === '') throw new ScriptError(`line ${line}: an argument without a name in: ${text}`);
    let values: string[] = [];
    if (rest.startsWith('=(')) {
      const list = splitList(rest.slice(1));
      if (list === undefined) throw new ScriptError(`line ${line}: a parenthesis is not closed in: ${text}`);
      values = list.values;
      rest = rest.slice(1 + list.length);
    } else if (rest.startsWith('=')) {
      rest = rest.slice(1);
      values = [until(/ /)];
    }
    args.push({ key, values });
    rest = rest.trim();
  }
  return { command, args };
}

/** `(a, f(b, c))…` to its values at the outermost level, and the length up to the closing parenthesis. */
function splitList(text: string): { readonly values: string[]; readonly length: number } | undefined {
  const values: string[] = [];
  let depth = 1;
  let start = 1;
  for (let at = 1; at < text.length; at++) {
    const char = text[at];
    if (char === '(') depth++;
    else if (char === ')') depth--;
    if (depth === 0) return { values: [...values, text.slice(start, at)], length: at + 1 };
    if (char === ',' && depth === 1) {
      values.push(text.slice(start, at));
      while (text[at + 1] === ' ') at++;
      start = at + 1;
    }
  }
  return undefined;
}
