import type { Failed, Literal, Numbers, Texts, Truths, Vector } from './vectors.ts';
import {
  answered,
  asTruths,
  failed,
  roomFor,
  roomForNumbers,
  textAt,
  truths,
  Truth,
  whereAnswered,
} from './vectors.ts';

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type Arithmetic = '+' | '-' | '*' | '/' | '%';

/** Undefined: a shape that is left to the library. */
export type Built = Vector | undefined;

const flipped: Readonly<Record<Comparison, Comparison>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

export function compare(operator: Comparison, left: Vector, right: Vector): Built {
  if (left.type === 'failed' || right.type === 'failed') return failed;
  if (left.type === 'literal') {
    if (right.type === 'literal') return undefined;
    // Of a known type on the left CEL demands the same on the right, where a field on the left is content with "not equal".
    if (familyOf(left) !== familyOf(right)) return undefined;
    return compare(flipped[operator], right, left);
  }
  if (familyOf(left) !== familyOf(right)) return mismatch(operator, left, right);
  switch (left.type) {
    case 'numbers':
      return right.type === 'literal'
        ? compareWithNumber(operator, left, right.value as number)
        : compareNumbers(operator, left, right as Numbers);
    case 'texts':
      return right.type === 'literal'
        ? compareWithText(operator, left, right.value as string)
        : compareTexts(operator, left, right as Texts);
    case 'truths':
      return compareTruths(operator, left, asTruths(right));
  }
}

function familyOf(vector: Exclude<Vector, Failed>): 'number' | 'string' | 'boolean' {
  switch (vector.type) {
    case 'numbers':
      return 'number';
    case 'texts':
      return 'string';
    case 'truths':
      return 'boolean';
    case 'literal':
      return typeof vector.value as 'number' | 'string' | 'boolean';
  }
}

/** Values of different types are not equal, and have no order. */
function mismatch(
  operator: Comparison,
  left: Exclude<Vector, Literal | Failed>,
  right: Exclude<Vector, Failed>,
): Built {
  if (operator !== '==' && operator !== '!=') return failed;
  if (right.type !== 'literal') return undefined;
  return whereAnswered(left, operator === '!=' ? Truth.yes : Truth.no);
}

/** A row without a value holds NaN or 0; its code is set afterwards. */
function holds(operator: Comparison, left: number | string, right: number | string): boolean {
  switch (operator) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
  }
}

function compareWithNumber(operator: Comparison, left: Numbers, right: number): Truths {
  return truths((batch, codes) => {
    left.load(batch);
    const { values, present } = left;
    for (let i = 0; i < batch.length; i++) codes[i] = holds(operator, values[i]!, right) ? 1 : 0;
    failAbsent(codes, present, batch.length);
  });
}

function compareNumbers(operator: Comparison, left: Numbers, right: Numbers): Truths {
  return truths((batch, codes) => {
    left.load(batch);
    right.load(batch);
    const a = left.values;
    const b = right.values;
    for (let i = 0; i < batch.length; i++) codes[i] = holds(operator, a[i]!, b[i]!) ? 1 : 0;
    failAbsent(codes, left.present, batch.length);
    failAbsent(codes, right.present, batch.length);
  });
}

function failAbsent(codes: Uint8Array, present: Uint8Array | null, length: number): void {
  if (present !== null) for (let i = 0; i < length; i++) if (present[i] === 0) codes[i] = Truth.failed;
}

function compareWithText(operator: Comparison, left: Texts, right: string): Truths {
  return truths((batch, codes) => {
    left.load(batch);
    for (let i = 0; i < batch.length; i++) {
      const text = textAt(left, i);
      codes[i] = text === undefined ? Truth.failed : holds(operator, text, right) ? 1 : 0;
    }
    failAbsent(codes, left.present, batch.length);
  });
}

function compareTexts(operator: Comparison, left: Texts, right: Texts): Truths {
  return truths((batch, codes) => {
    left.load(batch);
    right.load(batch);
    for (let i = 0; i < batch.length; i++) {
      const a = textAt(left, i);
      const b = textAt(right, i);
      codes[i] = a === undefined || b === undefined ? Truth.failed : holds(operator, a, b) ? 1 : 0;
    }
    failAbsent(codes, left.present, batch.length);
    failAbsent(codes, right.present, batch.length);
  });
}

function compareTruths(operator: Comparison, left: Truths, right: Truths): Truths {
  return truths((batch, codes) => {
    left.load(batch);
    right.load(batch);
    for (let i = 0; i < batch.length; i++) {
      const a = left.codes[i]!;
      const b = right.codes[i]!;
      codes[i] = a === Truth.failed || b === Truth.failed ? Truth.failed : holds(operator, a, b) ? 1 : 0;
    }
  });
}

export function arithmetic(operator: Arithmetic, left: Vector, right: Vector): Built {
  if (left.type === 'failed' || right.type === 'failed') return failed;
  const a = numbersOf(left);
  const b = numbersOf(right);
  // Text and lists can be added, two int literals are an int: the library's matter.
  if (a === undefined || b === undefined || (left.type === 'literal' && right.type === 'literal'))
    return undefined;
  return calculated(operator, a, b);
}

function numbersOf(vector: Vector): Numbers | undefined {
  if (vector.type === 'numbers') return vector;
  if (vector.type !== 'literal' || typeof vector.value !== 'number') return undefined;
  const value = vector.value;
  return {
    type: 'numbers',
    values: new Float64Array(0),
    present: null,
    load(batch) {
      if (this.values.length < batch.length)
        this.values = roomForNumbers(this.values, batch.length).fill(value);
    },
  };
}

function calculated(operator: Arithmetic, left: Numbers, right: Numbers): Numbers {
  let both = new Uint8Array(0) as Uint8Array;
  return {
    type: 'numbers',
    values: new Float64Array(0),
    present: null,
    load(batch) {
      left.load(batch);
      right.load(batch);
      const out = (this.values = roomForNumbers(this.values, batch.length));
      const a = left.values;
      const b = right.values;
      for (let i = 0; i < batch.length; i++) out[i] = result(operator, a[i]!, b[i]!);
      if (left.present === null || right.present === null) this.present = left.present ?? right.present;
      else {
        both = roomFor(both, batch.length);
        for (let i = 0; i < batch.length; i++) both[i] = left.present[i]! & right.present[i]!;
        this.present = both;
      }
    },
  };
}

function result(operator: Arithmetic, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
  }
}

export function negative(operand: Vector): Built {
  switch (operand.type) {
    case 'literal':
      return typeof operand.value === 'number' ? { ...operand, value: negated(operand) } : failed;
    case 'numbers':
      return calculated('*', operand, numbersOf({ type: 'literal', value: -1, int: false })!);
    case 'texts':
    case 'truths':
    case 'failed':
      return failed;
  }
}

/** There is no int -0. */
const negated = ({ value, int }: Literal): number => (int && value === 0 ? 0 : -(value as number));

export function not(operand: Vector): Built {
  const inner = asTruths(operand);
  return truths((batch, codes) => {
    inner.load(batch);
    for (let i = 0; i < batch.length; i++)
      codes[i] = inner.codes[i] === Truth.failed ? Truth.failed : 1 - inner.codes[i]!;
  });
}

export function and(left: Vector, right: Vector): Truths {
  return kleene(asTruths(left), asTruths(right), Truth.no);
}

export function or(left: Vector, right: Vector): Truths {
  return kleene(asTruths(left), asTruths(right), Truth.yes);
}

/** `decisive` on either side decides; else a failure on either side does; else the other answer. */
function kleene(left: Truths, right: Truths, decisive: 0 | 1): Truths {
  const other = 1 - decisive;
  return truths((batch, codes) => {
    left.load(batch);
    right.load(batch);
    const a = left.codes;
    const b = right.codes;
    for (let i = 0; i < batch.length; i++) {
      codes[i] =
        a[i] === decisive || b[i] === decisive ? decisive : (a[i]! | b[i]!) & 2 ? Truth.failed : other;
    }
  });
}

/** Membership in a list of literals; a literal of another type is simply not equal. */
export function isIn(left: Vector, list: readonly Literal[]): Built {
  const members = new Set<unknown>(list.map((literal) => literal.value));
  switch (left.type) {
    case 'failed':
      return failed;
    case 'literal':
      return undefined;
    case 'numbers':
      return truths((batch, codes) => {
        left.load(batch);
        for (let i = 0; i < batch.length; i++) codes[i] = members.has(left.values[i]) ? 1 : 0;
        failAbsent(codes, left.present, batch.length);
      });
    case 'texts':
      return truths((batch, codes) => {
        left.load(batch);
        for (let i = 0; i < batch.length; i++) {
          codes[i] = !answered(left, i) ? Truth.failed : members.has(textAt(left, i)) ? 1 : 0;
        }
      });
    case 'truths':
      return truths((batch, codes) => {
        left.load(batch);
        for (let i = 0; i < batch.length; i++) {
          const code = left.codes[i]!;
          codes[i] = code === Truth.failed ? code : members.has(code === 1) ? 1 : 0;
        }
      });
  }
}
