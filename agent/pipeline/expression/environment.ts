import type { ParseResult } from '@marcbachmann/cel-js';
import { Environment } from '@marcbachmann/cel-js';
import { messageOf } from '../../base/errors.ts';
import type { Result } from '../../base/result.ts';
import { fail, ok } from '../../base/result.ts';
import { expressionDepthMax, expressionLengthMax, expressionNodesMax } from '../limits.ts';
import { failingCall } from './constants.ts';

/**
 * The world an expression sees:
 *
 * - `reading`: the values by name; nested ones as `reading.a.b` and as `reading["a.b"]`
 * - `tags`: map of text; `stream`, `quality` ("good", "uncertain", "bad"): text
 * - `time`: event time as a timestamp, to the millisecond
 *
 * Numbers of a reading are doubles, except 64-bit integers beyond 2^53, which are ints. CEL itself compares both with int and double
 * literals alike; it has no mixed arithmetic, so `reading.temp * 2` would fail where `reading.temp * 2.0` works. That surprises everyone
 * who does not know it, so the mixed forms are added here, and `%` on doubles with them.
 */
function celEnvironment(): Environment {
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: expressionNodesMax, maxDepth: expressionDepthMax },
  })
    .registerVariable('reading', 'map')
    .registerVariable('tags', 'map<string, string>')
    .registerVariable('stream', 'string')
    .registerVariable('quality', 'string')
    .registerVariable('time', 'google.protobuf.Timestamp');
  for (const operator of ['+', '-', '*', '/', '%'] as const) {
    const handler = mixed[operator];
    environment.registerOperator(`double ${operator} int`, handler);
    environment.registerOperator(`int ${operator} double`, handler);
  }
  environment.registerOperator('double % double', mixed['%']);
  environment.registerOperator('int == double', (left: bigint, right: number) => Number(left) === right);
  return environment;
}

const mixed: Readonly<
  Record<'+' | '-' | '*' | '/' | '%', (left: number | bigint, right: number | bigint) => number>
> = {
  '+': (left, right) => Number(left) + Number(right),
  '-': (left, right) => Number(left) - Number(right),
  '*': (left, right) => Number(left) * Number(right),
  '/': (left, right) => Number(left) / Number(right),
  '%': (left, right) => Number(left) % Number(right),
};

/** Parses and checks; the error is one line and says where. */
export function parseExpression(text: string): Result<ParseResult, string> {
  if (text.trim() === '') return fail('the expression is empty');
  if (text.length > expressionLengthMax) {
    return fail(`the expression has ${text.length} characters; at most ${expressionLengthMax} are allowed`);
  }
  const environment = celEnvironment();
  let parsed: ParseResult;
  try {
    parsed = environment.parse(text);
  } catch (error) {
    return fail(oneLine(error));
  }
  const { valid, type, error } = parsed.check();
  if (!valid) return fail(oneLine(error));
  if (type !== 'bool' && type !== 'dyn')
    return fail(`the expression gives ${type ?? 'nothing'}, not true or false`);
  if (type === 'dyn' && arithmetic.has(parsed.ast.op))
    return fail(
      `the expression gives what ${parsed.ast.op.replace('_', '')} makes of its sides, not true or false`,
    );
  const failing = failingCall(parsed.ast, text, environment);
  if (failing !== null) return fail(`${summaryOf(failing.error)} (${placeIn(text, failing.start)})`);
  return ok(parsed);
}

/** The mixed forms leave their type open; none gives true or false. */
const arithmetic: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '-_']);

/** The library's message without its drawing of the source, with line and column instead; both count from 1. */
function oneLine(error: unknown): string {
  const { range, node } = (error ?? {}) as {
    range?: { start: number; end: number };
    node?: { input?: string };
  };
  const message = summaryOf(error);
  const input = node?.input;
  return range === undefined || input === undefined ? message : `${message} (${placeIn(input, range.start)})`;
}

function summaryOf(error: unknown): string {
  const { summary } = (error ?? {}) as { summary?: string };
  return summary === undefined ? messageOf(error) : inWords(summary.replaceAll(/\s+/g, ' ').slice(0, 300));
}

/** Line, where it is not the first, and column. */
function placeIn(input: string, start: number): string {
  const lines = input.slice(0, start).split('\n');
  const column = `column ${lines.at(-1)!.length + 1}`;
  return lines.length > 1 ? `line ${lines.length}, ${column}` : column;
}

/** The library's word for what a user meets most often. */
function inWords(summary: string): string {
  if (summary === 'Unexpected token: EOF') return 'the expression ends too soon';
  const variable = /^Unknown variable: (?<name>\w+)$/.exec(summary)?.groups?.['name'];
  return variable === undefined ? summary : `there is no ${variable}; a field is reading.${variable}`;
}

/** What the evaluator threw, in one line. */
export const failureOf = oneLine;
