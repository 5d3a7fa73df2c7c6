import type { ASTNode, Environment } from '@marcbachmann/cel-js';

/** A call that fails whatever is read. */
export interface FailingCall {
  readonly error: unknown;
  /** Where it begins in the text. */
  readonly start: number;
}

/**
 * Calls of functions with nothing but literals in them, such as `duration("5m")`, and patterns of `matches`, which the library looks at only
 * when a reading comes: one that fails would keep every reading out. Null: none fails.
 */
export function failingCall(ast: ASTNode, text: string, environment: Environment): FailingCall | null {
  const left: unknown[] = [ast];
  while (left.length > 0) {
    const one = left.pop();
    if (Array.isArray(one)) {
      left.push(...one);
      continue;
    }
    if (!isNode(one)) continue;
    const tried = constantOf(one, text);
    if (tried !== null) {
      try {
        environment.evaluate(tried);
      } catch (error) {
        return { error, start: one.start };
      }
    }
    left.push(one.args);
  }
  return null;
}

/** An expression that fails when the call does, without a reading. */
function constantOf({ op, args, start, end }: Node, text: string): string | null {
  if (!Array.isArray(args)) return null;
  const given: unknown = op === 'call' ? args[1] : op === 'rcall' && args[0] === 'matches' ? args[2] : null;
  if (!Array.isArray(given) || given.length === 0 || !given.every(isLiteral)) return null;
  if (op === 'call') return text.slice(start, end);
  return `"".matches(${text.slice(given[0]!.start, given[0]!.end)})`;
}

interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly end: number;
}

function isNode(one: unknown): one is Node {
  return typeof one === 'object' && one !== null && 'op' in one && 'start' in one;
}

function isLiteral(one: unknown): one is Node {
  return isNode(one) && one.op === 'value';
}
