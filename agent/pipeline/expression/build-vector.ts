import type { ASTNode } from '@marcbachmann/cel-js';
import type { Built } from './operators.ts';
import { and, arithmetic, compare, isIn, negative, not, or } from './operators.ts';
import type { FieldSlot, Reference, SlotKind } from './references.ts';
import {
  fieldVector,
  hasField,
  hasTag,
  qualityVector,
  referenceOf,
  streamVector,
  tagVector,
} from './references.ts';
import type { Literal } from './vectors.ts';

/** Tells where a field stands and what it holds, for the batches the vector is built for. */
export type FieldLookup = (name: string) => { readonly slot: FieldSlot; readonly kind: SlotKind };

/**
 * The checked expression as a program over columns: comparisons, `&&`, `||`, `!`, arithmetic on doubles, `in` a list of literals, `has()`,
 * over fields of plain kinds, tags, stream and quality. Undefined for any other shape; the library then evaluates it reading by
 * reading. Both give the same answers and fail at the same readings (a property test holds them to it).
 */
export function buildVector(node: ASTNode, fields: FieldLookup): Built {
  switch (node.op) {
    case 'value':
      return literalOf(node);
    case 'id':
    case '.':
    case '[]': {
      const reference = referenceOf(node);
      return reference === undefined ? undefined : referenceVector(reference, fields);
    }
    case '!_':
    case '-_': {
      const operand = buildVector(node.args, fields);
      if (operand === undefined) return undefined;
      return node.op === '!_' ? not(operand) : negative(operand);
    }
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '&&':
    case '||': {
      const left = buildVector(node.args[0], fields);
      if (left === undefined) return undefined;
      const right = buildVector(node.args[1], fields);
      if (right === undefined) return undefined;
      return binary(node.op, left, right);
    }
    case 'in':
      return membership(node.args[0], node.args[1], fields);
    case 'call':
      return node.args[0] === 'has' ? presence(node.args[1][0], fields) : undefined;
    default:
      return undefined;
  }
}

function binary(
  operator: Extract<
    ASTNode['op'],
    '==' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/' | '%' | '&&' | '||'
  >,
  left: NonNullable<Built>,
  right: NonNullable<Built>,
): Built {
  switch (operator) {
    case '&&':
      return and(left, right);
    case '||':
      return or(left, right);
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return arithmetic(operator, left, right);
    default:
      return compare(operator, left, right);
  }
}

function literalOf(node: ASTNode): Literal | undefined {
  if (node.op === '-_') {
    const inner = literalOf(node.args);
    return inner !== undefined && typeof inner.value === 'number' ? (negative(inner) as Literal) : undefined;
  }
  if (node.op !== 'value') return undefined;
  const value = node.args;
  switch (typeof value) {
    case 'number':
    case 'string':
    case 'boolean':
      return { type: 'literal', value, int: false };
    case 'bigint': {
      const number = Number(value);
      return Number.isSafeInteger(number) ? { type: 'literal', value: number, int: true } : undefined;
    }
    default:
      return undefined;
  }
}

function referenceVector(reference: Reference, fields: FieldLookup): Built {
  switch (reference.of) {
    case 'tags':
      return tagVector(reference.name);
    case 'quality':
      return qualityVector();
    case 'stream':
      return streamVector();
    case 'reading': {
      const { slot, kind } = fields(reference.name);
      return kind === 'other' ? undefined : fieldVector(slot, kind);
    }
  }
}

function membership(member: ASTNode, list: ASTNode, fields: FieldLookup): Built {
  if (list.op !== 'list') return undefined;
  const left = buildVector(member, fields);
  if (left === undefined) return undefined;
  const literals: Literal[] = [];
  for (const element of list.args) {
    const literal = literalOf(element);
    if (literal === undefined) return undefined;
    literals.push(literal);
  }
  return isIn(left, literals);
}

function presence(argument: ASTNode | undefined, fields: FieldLookup): Built {
  const reference = argument === undefined ? undefined : referenceOf(argument);
  if (reference?.of === 'tags') return hasTag(reference.name);
  if (reference?.of !== 'reading') return undefined;
  const { slot, kind } = fields(reference.name);
  return kind === 'other' ? undefined : hasField(slot);
}
