import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nil, parseJepsen, parseTexts, textModel } from '#test/conformance/porcupine/histories.ts';
import { judge, type Operation } from '#test/simulation/linearizability/checker.ts';
import {
  nobodyKnows,
  registerModel,
  withoutUnasked,
  type RegisterCall,
  type RegisterResult,
} from '#test/simulation/linearizability/register.ts';

const folder = fileURLToPath(new URL('../../../../shared/conformance/porcupine', import.meta.url));
type History = Operation<RegisterCall, RegisterResult>[];

const put = (value: number, calledAt: number, returnedAt: number): History[number] => ({
  call: { kind: 'put', register: 0, value, expected: 0 },
  result: { value: null, took: true },
  calledAt,
  returnedAt,
});
const read = (value: number, calledAt: number, returnedAt: number): History[number] => ({
  call: { kind: 'read', register: 0, value: 0, expected: 0 },
  result: { value, took: null },
  calledAt,
  returnedAt,
});
const verdictOf = (history: History): string => judge(registerModel(0), history).verdict;

describe('a register', () => {
  test('may be read old and new while a write is under way, but not new and then old', () => {
    expect(verdictOf([put(1, 0, 10), read(0, 1, 2), read(1, 3, 4)])).toBe('linearizable');
    expect(verdictOf([put(1, 0, 10), read(1, 1, 2), read(0, 3, 4)])).toBe('not-linearizable');
  });

  test('is read as it was last written, once that is answered', () => {
    expect(verdictOf([put(1, 0, 1), read(0, 2, 3)])).toBe('not-linearizable');
    expect(verdictOf([put(1, 0, 1), read(1, 2, 3)])).toBe('linearizable');
  });

  test('may take a write that was never answered at any later time, or not at all', () => {
    const lost = { ...put(1, 0, Infinity), result: nobodyKnows };
    expect(verdictOf([lost, put(2, 1, 2), read(2, 3, 4), read(1, 5, 6)])).toBe('linearizable');
    expect(verdictOf([lost, put(2, 1, 2), read(2, 3, 4)])).toBe('linearizable');
    expect(verdictOf([lost, put(2, 1, 2), read(1, 3, 4), read(2, 5, 6)])).toBe('not-linearizable');
  });

  test('may be written and read in the same instant', () => {
    expect(verdictOf([put(1, 5, 5), read(0, 5, 5), read(1, 5, 5)])).toBe('linearizable');
  });

  test('is left undecided when the search is given up', () => {
    const many = Array.from({ length: 12 }, (_, at) => put(at + 1, at, 100));
    expect(judge(registerModel(0), [...many, read(99, 101, 102)], 50).verdict).toBe('unknown');
  });
});

/** Every order of all operations, tried in full. */
function judgedByBruteForce(history: History): boolean {
  const model = registerModel(0);
  const place = (left: History, state: number): boolean => {
    if (left.length === 0) return true;
    const firstAnswer = Math.min(...left.map(({ returnedAt }) => returnedAt));
    return left.some((operation) => {
      if (operation.calledAt > firstAnswer) return false;
      const next = model.step(state, operation.call, operation.result);
      return (
        next !== undefined &&
        place(
          left.filter((other) => other !== operation),
          next,
        )
      );
    });
  };
  const registers = new Set(history.map(({ call }) => call.register));
  return [...registers].every((register) =>
    place(
      history.filter(({ call }) => call.register === register),
      0,
    ),
  );
}

test('the search judges small histories as trying every order does', () => {
  const operation = fc.record({
    kind: fc.constantFrom('read', 'put', 'swap'),
    register: fc.integer({ min: 0, max: 1 }),
    value: fc.integer({ min: 0, max: 2 }),
    expected: fc.integer({ min: 0, max: 2 }),
    took: fc.boolean(),
    isLost: fc.boolean(),
    calledAt: fc.integer({ min: 0, max: 20 }),
    length: fc.integer({ min: 0, max: 8 }),
  });
  const verdicts = { right: 0, wrong: 0 };
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 6 }), (drawn) => {
      const history = drawn.map(({ kind, register, value, expected, took, isLost, calledAt, length }) => ({
        call: { kind, register, value, expected },
        result: isLost
          ? nobodyKnows
          : { value: kind === 'read' ? value : null, took: kind === 'swap' ? took : null },
        calledAt,
        returnedAt: isLost ? Infinity : calledAt + length,
      }));
      const expected = judgedByBruteForce(history);
      verdicts[expected ? 'right' : 'wrong']++;
      const verdict = expected ? 'linearizable' : 'not-linearizable';
      expect(verdictOf(history)).toBe(verdict);
      expect(verdictOf(withoutUnasked(history))).toBe(verdict);
    }),
    { numRuns: 1_000, seed: 1 },
  );
  expect(Math.min(verdicts.right, verdicts.wrong)).toBeGreaterThan(100);
});

/** Verdicts of porcupine on its own data: these of etcd_000 … etcd_102 are linearizable; in etcd_095 the cluster never started. */
const linearizable = new Set([
  2, 5, 7, 18, 25, 31, 38, 45, 48, 49, 51, 53, 56, 67, 75, 76, 80, 87, 92, 98, 100, 101, 102,
]);
const neverStarted = 95;

describe('recorded histories', () => {
  test('of etcd are judged as porcupine judges them', (ctx) => {
    if (!existsSync(folder)) ctx.skip('the folder shared/conformance is not beside the project');
    const judged = readdirSync(join(folder, 'jepsen')).map((name) => ({
      number: Number(/\d+/.exec(name)![0]),
      judgement: judge(registerModel(nil), parseJepsen(readFileSync(join(folder, 'jepsen', name), 'utf8'))),
    }));
    expect(judged.filter(({ judgement }) => judgement.verdict === 'unknown')).toEqual([]);
    const found = judged.filter(
      ({ number, judgement }) => number !== neverStarted && judgement.verdict === 'linearizable',
    );
    expect(judged.length).toBe(103);
    expect(found.map(({ number }) => number).sort((a, b) => a - b)).toEqual([...linearizable]);
  });

  test.for(['c01', 'c10', 'c50'])(
    'of %s clients of a store of texts are judged as their names say',
    (name, ctx) => {
      if (!existsSync(folder)) ctx.skip('the folder shared/conformance is not beside the project');
      for (const [file, verdict] of [
        ['ok', 'linearizable'],
        ['bad', 'not-linearizable'],
      ] as const) {
        const text = readFileSync(join(folder, 'kv', `${name}-${file}.txt`), 'utf8');
        const operations = parseTexts(text);
        expect(operations.length).toBeGreaterThan(30);
        expect(judge(textModel, operations).verdict, file).toBe(verdict);
      }
    },
  );
});
