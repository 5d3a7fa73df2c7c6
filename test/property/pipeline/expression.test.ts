import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseExpression } from '#agent/pipeline/expression/environment.ts';
import { Predicate } from '#agent/pipeline/expression/predicate.ts';
import type { Scalar } from '#agent/reading/batch.ts';
import type { Plain } from '#test/unit/pipeline/pipeline-fixture.ts';
import { batchOf } from '#test/unit/pipeline/pipeline-fixture.ts';

const fields = ['a', 'b', 'c', 'd.e', 'd.f', 'x-y'];
const reference = fc.constantFrom(
  'reading.a',
  'reading.b',
  'reading.c',
  'reading.d.e',
  'reading["d.f"]',
  'reading["x-y"]',
  'reading.gone',
  'reading.d',
  'tags.m',
  'tags["n"]',
  'stream',
  'quality',
);
const literal = fc.constantFrom(
  '0',
  '1',
  '-1',
  '2.5',
  '-0.0',
  '"m1"',
  '"good"',
  '"line"',
  '""',
  'true',
  'false',
  '9007199254740993',
  '3u',
);

const expressions = fc.letrec<{ truth: string; operand: string }>((tie) => ({
  operand: fc.oneof(
    { weight: 6, arbitrary: reference },
    { weight: 5, arbitrary: literal },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('operand'), fc.constantFrom('+', '-', '*', '/', '%'), tie('operand'))
        .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    },
    { weight: 1, arbitrary: tie('operand').map((operand) => `-(${operand})`) },
    { weight: 1, arbitrary: tie('truth') },
  ),
  truth: fc.oneof(
    { depthSize: 'small' },
    {
      weight: 6,
      arbitrary: fc
        .tuple(tie('operand'), fc.constantFrom('==', '!=', '<', '<=', '>', '>='), tie('operand'))
        .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'has(reading.a)',
        'has(reading.d.e)',
        'has(reading.gone)',
        'has(tags.m)',
        'has(reading.gone.x)',
        'has(reading.d.gone)',
        'has(reading.d.e.x)',
        'has(reading.gone.x.y)',
      ),
    },
    { weight: 1, arbitrary: reference },
    {
      weight: 2,
      arbitrary: fc
        .tuple(reference, fc.array(literal, { maxLength: 3 }))
        .map(([left, list]) => `(${left} in [${list.join(', ')}])`),
    },
    { weight: 1, arbitrary: tie('truth').map((truth) => `!${truth}`) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(tie('truth'), fc.constantFrom('&&', '||'), tie('truth'))
        .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    },
  ),
}));

const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom<Scalar>(
      0,
      1,
      -1,
      2.5,
      -0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      9007199254740992,
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom<Scalar>('m1', 'good', '') },
  { weight: 2, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.constantFrom<Scalar>(0n, 1n, 9007199254740993n) },
);

/** Mostly one kind a field, as data is; now and then not. */
const readings: fc.Arbitrary<Plain[]> = fc
  .record(Object.fromEntries(fields.map((name) => [name, scalar])), { requiredKeys: [] })
  .chain((usual) =>
    fc.array(
      fc.record({
        at: fc.constantFrom(0, 1, 2),
        values: fc.oneof(
          {
            weight: 4,
            arbitrary: fc
              .subarray(Object.keys(usual))
              .map((names) => Object.fromEntries(names.map((n) => [n, usual[n]!]))),
          },
          { weight: 3, arbitrary: fc.constant(usual as Record<string, Scalar>) },
          {
            weight: 1,
            arbitrary: fc.record(Object.fromEntries(fields.map((n) => [n, scalar])), { requiredKeys: [] }),
          },
        ),
        tags: fc.constantFrom<Record<string, string>>({}, { m: 'm1' }, { m: 'm2', n: 'good' }),
        quality: fc.constantFrom(0, 1, 2),
      }) as fc.Arbitrary<Plain>,
      { minLength: 1, maxLength: 5 },
    ),
  );

test('a compiled expression gives the answers of the library and fails where it fails', () => {
  let compiled = 0;
  let checked = 0;
  fc.assert(
    fc.property(expressions.truth, readings, readings, (text, first, second) => {
      const parsed = parseExpression(text);
      fc.pre(parsed.ok);
      const ours = new Predicate(parsed.value);
      const theirs = new Predicate(parsed.value, { interpretOnly: true });
      // Two batches through one predicate: the second must not be answered by the program of the first.
      for (const batch of [batchOf(first), batchOf(second)]) {
        const answer = Array.from(ours.evaluate(batch).subarray(0, batch.length));
        expect(answer).toEqual(Array.from(theirs.evaluate(batch).subarray(0, batch.length)));
        checked++;
        if (ours.compiled(batch)) compiled++;
      }
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 400) },
  );
  // The property says nothing about a compiler that refuses everything.
  expect(compiled / checked).toBeGreaterThan(0.2);
});
