import { assert } from '../base/assert.ts';
import { nearest } from '../base/nearest.ts';
import { micros, type Micros } from '../base/units.ts';
import { readTime, type EventTime } from '../reading/event-time.ts';
import { QueryFault, tokensOf, type Token } from './lexer.ts';
import { aggregatesMax, filterValuesMax, histogramPartsMax, namesMax, topItemsMax } from './limits.ts';
import type { Aggregate, Filter, Key, Query } from './query.ts';

const functions = [
  'count',
  'sum',
  'mean',
  'min',
  'max',
  'stddev',
  'rate',
  'distinct',
  'top',
  'histogram',
  'quantile',
  'p50',
  'p90',
  'p95',
  'p99',
] as const;
const aliases: Readonly<Record<string, string>> = {
  avg: 'mean',
  average: 'mean',
  median: 'p50',
  topk: 'top',
};
const clauses = ['of', 'where', 'by', 'since', 'from', 'until'] as const;
const topItemsDefault = 10;
const histogramPartsDefault = 20;
const windowMicrosMin = 1_000;

/** Reads a query; `now` is what `since` counts from. @throws {QueryFault} */
export function parseQuery(text: string, now: Micros): Query {
  return new Parser(text, now).query();
}

/** A name, and where it stands. */
interface Named {
  readonly name: string;
  readonly at: number;
}

class Parser {
  readonly #text: string;
  readonly #now: Micros;
  readonly #tokens: readonly Token[];
  /** Of aggregates and keys read so far. */
  readonly #labels = new Set<string>();
  #next = 0;

  constructor(text: string, now: Micros) {
    this.#text = text;
    this.#now = now;
    this.#tokens = tokensOf(text);
  }

  query(): Query {
    const aggregates = this.#list(() => this.#once(() => this.#aggregate()), aggregatesMax, 'aggregates');
    let streams: readonly Named[] = [{ name: '*', at: 0 }];
    let filters: readonly Filter[] = [];
    let keys: readonly Key[] = [];
    let from: Micros | null = null;
    let until: Micros | null = null;
    const seen = new Set<string>();
    while (this.#peek().kind !== 'end') {
      const clause = this.#clause(seen);
      if (clause === 'of') streams = this.#list(() => this.#placed('a stream'), namesMax, 'streams');
      else if (clause === 'where') filters = this.#filters();
      else if (clause === 'by') keys = this.#list(() => this.#once(() => this.#key()), namesMax, 'keys');
      else if (clause === 'since') from = this.#since();
      else if (clause === 'from') from = this.#time();
      else {
        const at = this.#peek().at;
        until = this.#time();
        if (from !== null && until <= from) throw new QueryFault(this.#text, at, 'it ends before it begins');
      }
    }
    return {
      text: this.#text,
      aggregates,
      streams: streams.map(({ name }) => name),
      streamsAt: streams.map(({ at }) => at),
      filters,
      keys,
      from,
      until,
    };
  }

  #peek(): Token {
    const token = this.#tokens[this.#next];
    assert(token !== undefined, 'the last token is the end, and nobody goes beyond it');
    return token;
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#next++;
    return token;
  }

  #fault(token: Token, expected: string): QueryFault {
    const found = token.kind === 'end' ? 'the query ends' : `there is ${JSON.stringify(token.text)}`;
    return new QueryFault(this.#text, token.at, `expected ${expected}, but ${found}`);
  }

  #mark(mark: string, expected = JSON.stringify(mark)): void {
    const token = this.#take();
    if (token.kind !== 'mark' || token.text !== mark) throw this.#fault(token, expected);
  }

  #isMark(mark: string): boolean {
    const token = this.#peek();
    return token.kind === 'mark' && token.text === mark;
  }

  #isWord(word: string): boolean {
    const token = this.#peek();
    return token.kind === 'word' && token.text.toLowerCase() === word;
  }

  #list<Item>(item: () => Item, most: number, what: string): Item[] {
    const items: Item[] = [];
    do {
      if (items.length > 0) this.#mark(',');
      const { at } = this.#peek();
      if (items.length === most) throw new QueryFault(this.#text, at, `more than ${most} ${what}`);
      items.push(item());
    } while (this.#isMark(','));
    return items;
  }

  /** Columns of the answer have different names. */
  #once<Item extends { readonly label: string }>(item: () => Item): Item {
    const { at } = this.#peek();
    const one = item();
    if (this.#labels.has(one.label)) throw new QueryFault(this.#text, at, `${one.label} is asked for twice`);
    this.#labels.add(one.label);
    return one;
  }

  #name(expected: string): string {
    const token = this.#take();
    if ((token.kind !== 'word' && token.kind !== 'text') || token.text === '')
      throw this.#fault(token, expected);
    return token.text;
  }

  #placed(expected: string): Named {
    const { at } = this.#peek();
    return { name: this.#name(expected), at };
  }

  #clause(seen: Set<string>): (typeof clauses)[number] {
    const token = this.#take();
    const word = token.text.toLowerCase();
    const clause = clauses.find((one) => token.kind === 'word' && one === word);
    if (clause === undefined) {
      if (word === 'or' && seen.has('where'))
        throw new QueryFault(
          this.#text,
          token.at,
          'conditions are joined by and; several values of one tag: TAG in (a, b)',
        );
      const meant = token.kind === 'word' ? nearest(word, [...clauses]) : undefined;
      const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
      throw this.#fault(token, `one of ${clauses.join(', ')}${hint}`);
    }
    const slot = clause === 'since' ? 'from' : clause;
    if (seen.has(slot))
      throw new QueryFault(this.#text, token.at, `${clause} says again what was said before`);
    // So that an end before its beginning is seen in either order.
    if (slot === 'from' && seen.has('until')) {
      throw new QueryFault(this.#text, token.at, `${clause} stands before until`);
    }
    seen.add(slot);
    return clause;
  }

  #aggregate(): Aggregate {
    const token = this.#take();
    const word = token.text.toLowerCase();
    const name = Object.hasOwn(aliases, word) ? aliases[word]! : word;
    const rank = /^p(\d{1,2}(?:\.\d{1,6})?|100)$/.exec(name);
    const known = rank !== null || functions.some((one) => one === name);
    if (token.kind !== 'word' || !known) {
      const percent = /^p\d/.test(word) ? 'a percentile from p0 to p100' : undefined;
      const meant = token.kind === 'word' ? nearest(word, [...functions]) : undefined;
      const likely = meant === undefined ? undefined : `${meant}(…)`;
      throw this.#fault(
        token,
        percent ?? likely ?? 'an aggregate such as count(), mean(FIELD) or p99(FIELD)',
      );
    }
    this.#mark('(', `"(" after ${name}`);
    if ((name === 'count' || name === 'rate') && this.#isMark(')')) {
      this.#take();
      return { kind: name, label: `${name}()`, field: null };
    }
    const field = this.#name(`the name of a field in ${name}(…)`);
    const aggregate = this.#ofField({ name, rank: rank === null ? null : Number(`${rank[1]}e-2`), field });
    this.#mark(')', `")" after the field of ${name}`);
    return aggregate;
  }

  #ofField(asked: { name: string; rank: number | null; field: string }): Aggregate {
    const { name, rank, field } = asked;
    if (rank !== null) return { kind: 'quantile', label: `${name}(${field})`, field, rank };
    if (name === 'quantile') {
      this.#mark(',', '"," and a rank from 0 to 1');
      const share = this.#number('a rank', { min: 0, max: 1, whole: false });
      return { kind: 'quantile', label: `quantile(${field}, ${share})`, field, rank: share };
    }
    const more = name === 'top' || name === 'histogram' ? this.#isMark(',') : false;
    if (more) this.#take();
    if (name === 'top') {
      const items = more
        ? this.#number('a number of items', { min: 1, max: topItemsMax, whole: true })
        : topItemsDefault;
      return { kind: 'top', label: `top(${field}, ${items})`, field, items };
    }
    if (name === 'histogram') {
      const parts = more
        ? this.#number('a number of parts', { min: 1, max: histogramPartsMax, whole: true })
        : histogramPartsDefault;
      return { kind: 'histogram', label: `histogram(${field}, ${parts})`, field, parts };
    }
    return { kind: name as 'sum', label: `${name}(${field})`, field };
  }

  #number(expected: string, range: { min: number; max: number; whole: boolean }): number {
    const token = this.#take();
    const value = token.kind === 'word' ? Number(token.text) : NaN;
    if (!(value >= range.min && value <= range.max) || (range.whole && !Number.isInteger(value))) {
      throw this.#fault(token, `${expected} from ${range.min} to ${range.max}`);
    }
    return value;
  }

  #filters(): Filter[] {
    const filters: Filter[] = [];
    do {
      if (filters.length > 0) this.#take();
      if (filters.length === namesMax) throw this.#fault(this.#peek(), `at most ${namesMax} conditions`);
      filters.push(this.#filter());
    } while (this.#isWord('and'));
    return filters;
  }

  #filter(): Filter {
    const tag = this.#name('the name of a tag');
    if (this.#isMark('=') || this.#isMark('!=')) {
      const not = this.#take().text === '!=';
      return { tag, not, values: [this.#name('the value of the tag')] };
    }
    const not = this.#isWord('not');
    if (not) this.#take();
    if (!this.#isWord('in'))
      throw this.#fault(this.#peek(), '"=", "!=", "in (…)" or "not in (…)" after the tag');
    this.#take();
    this.#mark('(');
    const values = this.#list(() => this.#name('a value of the tag'), filterValuesMax, 'values');
    this.#mark(')');
    return { tag, not, values };
  }

  #key(): Key {
    const quotedName = this.#peek().kind === 'text';
    const name = this.#name('stream, window(…) or the name of a tag');
    if (quotedName) return { kind: 'tag', label: name, tag: name };
    if (name === 'stream') return { kind: 'stream', label: 'stream' };
    if (name !== 'window' || !this.#isMark('(')) return { kind: 'tag', label: name, tag: name };
    this.#take();
    const { at } = this.#peek();
    const length = this.#duration('window');
    if (length < windowMicrosMin) throw new QueryFault(this.#text, at, 'a window is 1ms at least');
    this.#mark(')');
    return { kind: 'window', label: 'window', micros: length };
  }

  /** In microseconds. */
  #duration(what: string): number {
    const token = this.#take();
    const match =
      token.kind === 'word' ? /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|min|h|d|w)$/.exec(token.text) : null;
    if (match === null) throw this.#fault(token, `a duration such as 30s, 15m, 1h or 7d after ${what}`);
    const length = Math.round(Number(match[1]) * unitMicros[match[2]!]!);
    if (length <= 0 || length > 1e15) throw this.#fault(token, 'a duration above nothing and below 30 years');
    return length;
  }

  /** Long times begin with a whole minute, hour or day, as summaries of that age are kept: all of it can then be answered from them. */
  #since(): Micros {
    const length = this.#duration('since');
    const from = this.#now - length;
    const grain = sinceGrains.find(({ least }) => length >= least)?.micros ?? 1;
    return micros(Math.floor(from / grain) * grain);
  }

  #time(): Micros {
    const token = this.#take();
    if (token.kind === 'word' && token.text === 'now') return this.#now;
    const time: EventTime = { micros: 0, nanos: 0 };
    const text = /^\d{4}-\d\d-\d\d$/.test(token.text) ? `${token.text}T00:00:00Z` : token.text;
    const trouble = token.kind === 'word' || token.kind === 'text' ? readTime(text, 'rfc3339', time) : '';
    if (trouble !== null) throw this.#fault(token, 'a time such as 2026-11-21T08:00:00Z, a day, or now');
    return micros(time.micros);
  }
}

const unitMicros: Readonly<Record<string, number>> = {
  ms: 1e3,
  s: 1e6,
  m: 60e6,
  min: 60e6,
  h: 3_600e6,
  d: 86_400e6,
  w: 7 * 86_400e6,
};

/** Minutes are kept for two days, hours for 400. */
const sinceGrains = [
  { least: 400 * unitMicros['d']!, micros: unitMicros['d']! },
  { least: 2 * unitMicros['d']!, micros: unitMicros['h']! },
  { least: unitMicros['h']!, micros: unitMicros['m']! },
] as const;
