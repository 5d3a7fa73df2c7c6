import type { Scalar } from '../reading/batch.ts';
import { FrequentItems } from '../sketch/frequent-items.ts';
import { HyperLogLog } from '../sketch/hyperloglog.ts';
import { standardHasher } from '../sketch/item-hasher.ts';
import type { AnswerBudget } from './answer-budget.ts';
import { answerPartBytes, distinctExactMax, distinctLgK } from './limits.ts';
import type { Estimate } from './spread.ts';

/** How often each item came. */
export interface ItemCount {
  readonly item: string;
  readonly count: number;
  readonly countLow: number;
  readonly countHigh: number;
}

/** Different values: counted exactly while they are few, estimated beyond. */
export class Distinct {
  readonly #budget: AnswerBudget;
  #items: Set<string> | null = new Set();
  #sketch: HyperLogLog | null = null;

  constructor(budget: AnswerBudget) {
    this.#budget = budget;
  }

  update(value: Scalar): void {
    const item = itemOf(value);
    if (this.#items === null) {
      this.#sketch!.updateText(item);
      return;
    }
    if (this.#items.has(item)) return;
    this.#budget.bytes(64 + 2 * item.length);
    this.#items.add(item);
    if (this.#items.size <= distinctExactMax) return;
    this.#sketch = new HyperLogLog({ lgK: distinctLgK });
    this.#budget.bytes(2 ** distinctLgK);
    for (const one of this.#items) this.#sketch.updateText(one);
    this.#items = null;
  }

  estimate(): Estimate {
    if (this.#items !== null) {
      const { size } = this.#items;
      return { value: size, low: size, high: size, confidence: 1 };
    }
    // Three standard errors, where the sketch states two.
    const error = 1.5 * this.#sketch!.bound().error;
    const value = Math.round(this.#sketch!.estimate());
    return {
      value,
      low: Math.max(distinctExactMax + 1, Math.floor(value / (1 + error))),
      high: Math.ceil(value / (1 - error)),
      confidence: 0.997,
    };
  }
}

/** The values that come most often. */
export class Top {
  readonly #budget: AnswerBudget;
  readonly #sketch: FrequentItems;
  readonly #bytesAnItem: number;
  /** The most items it ever held: paid for. */
  #held = 0;

  /** `lists` of at most so many `items` will be asked of it. */
  constructor({ items, lists }: { items: number; lists: number }, budget: AnswerBudget) {
    this.#budget = budget;
    const lgMapSize = Math.min(14, Math.max(8, Math.ceil(Math.log2(8 * items))));
    this.#sketch = new FrequentItems({ lgMapSize });
    this.#bytesAnItem = itemBytes + lists * answerPartBytes;
  }

  update(value: Scalar): void {
    const text = typeof value === 'string' ? value : textOf(value);
    // Longer texts are payloads; those that begin alike count as one.
    this.#sketch.update(text.length > itemCharsMax ? `${text.slice(0, itemCharsMax)}…` : text);
    const { size } = this.#sketch;
    if (size <= this.#held) return;
    this.#budget.bytes((size - this.#held) * this.#bytesAnItem);
    this.#held = size;
  }

  items(most: number): ItemCount[] {
    return this.#sketch
      .frequent('possible', 0)
      .slice(0, most)
      .map(({ item, lower, upper }) => ({ item, count: upper, countLow: lower, countHigh: upper }));
  }
}

/** In UTF-8 they fit an item of the sketch. */
const itemCharsMax = 80;
/** What one takes in memory at its longest (measured: 227). */
const itemBytes = 2 * itemCharsMax + 80;

/** The same for equal values, different for 7 and "7". */
function itemOf(value: Scalar): string {
  if (typeof value === 'string') return `t${value}`;
  return typeof value === 'object' && value.length > bytesShownMax
    ? `b${hashOf(value)}`
    : `v${textOf(value)}`;
}

/** 128 bits: no two values of a query share them. */
function hashOf(bytes: Uint8Array): string {
  const hasher = standardHasher();
  hasher.bytes(bytes);
  return `${hasher.words[0]!.toString(16)}.${hasher.words[1]!.toString(16)}`;
}

const bytesShownMax = 128;

function textOf(value: Exclude<Scalar, string>): string {
  if (typeof value !== 'object') return String(Object.is(value, -0) ? 0 : value);
  let hex = '0x';
  for (const byte of value.subarray(0, bytesShownMax)) hex += byte.toString(16).padStart(2, '0');
  return value.length > bytesShownMax ? `${hex}… (${value.length} bytes)` : hex;
}
