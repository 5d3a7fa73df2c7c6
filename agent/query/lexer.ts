import { SedgeError } from '../base/errors.ts';
import { queryCharsMax } from './limits.ts';

export type Token =
  | { readonly kind: 'word' | 'text'; readonly at: number; readonly text: string }
  | { readonly kind: 'mark'; readonly at: number; readonly text: '(' | ')' | ',' | '=' | '!=' }
  | { readonly kind: 'end'; readonly at: number; readonly text: '' };

/** A query that can not be read: what was expected, and where. */
export class QueryFault extends SedgeError {
  readonly query: string;
  /** Index of the character the caret stands under. */
  readonly at: number;

  constructor(query: string, at: number, message: string) {
    super('SEDGE_QUERY_INVALID', placed(message, at));
    this.query = query;
    this.at = at;
  }

  /** The part of the query around the fault, and a caret below it. */
  caret(): string {
    return caretAt(this.query, this.at);
  }
}

/** What is wrong, and at which character. */
export function placed(message: string, at: number): string {
  return `${message}, at character ${at + 1} of the query`;
}

/** Where in a query a message says that something is wrong; null when it does not. */
export function placeIn(message: string): number | null {
  const found = /, at character (\d{1,5}) of the query$/.exec(message);
  return found === null ? null : Number(found[1]) - 1;
}

/** The part of a query around a character, and a caret below it. */
export function caretAt(query: string, at: number): string {
  const from = Math.max(0, at - 60);
  const line = query.slice(from, from + 100).replaceAll(/[^ -~\u00a0-\uffff]/g, ' ');
  return `  ${line}\n  ${' '.repeat(at - from)}^`;
}

/** Names, numbers, durations, times and globs without quotes. */
const wordAt = /[\p{L}\p{N}_.*:/+\-%]+/uy;
const marks = ['!=', '==', '(', ')', ',', '='] as const;

/** Splits a query. @throws {QueryFault} */
export function tokensOf(query: string): Token[] {
  if (query.length > queryCharsMax) {
    throw new QueryFault(query, queryCharsMax, `the query is longer than ${queryCharsMax} characters`);
  }
  const tokens: Token[] = [];
  let at = 0;
  while (at < query.length) {
    const sign = query[at]!;
    if (/\s/.test(sign)) {
      at++;
      continue;
    }
    const mark = marks.find((one) => query.startsWith(one, at));
    if (mark !== undefined) {
      // What programmers write for it.
      tokens.push({ kind: 'mark', at, text: mark === '==' ? '=' : mark });
      at += mark.length;
    } else if (sign === "'" || sign === '"') {
      const text = quoted(query, at);
      tokens.push({ kind: 'text', at, text: text.value });
      at = text.end;
    } else {
      wordAt.lastIndex = at;
      const word = wordAt.exec(query)?.[0];
      if (word === undefined) {
        const whole = String.fromCodePoint(query.codePointAt(at)!).toWellFormed();
        throw new QueryFault(query, at, `${JSON.stringify(whole)} means nothing here`);
      }
      tokens.push({ kind: 'word', at, text: word });
      at += word.length;
    }
  }
  tokens.push({ kind: 'end', at: query.length, text: '' });
  return tokens;
}

/** The quote doubled stands for itself. */
function quoted(query: string, at: number): { value: string; end: number } {
  const quote = query[at]!;
  let value = '';
  for (let i = at + 1; i < query.length; i++) {
    if (query[i] !== quote) value += query[i]!;
    else if (query[i + 1] === quote) value += query[i++]!;
    else return { value, end: i + 1 };
  }
  throw new QueryFault(query, at, `the text that begins here has no closing ${quote}`);
}
