import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { FrequentItems } from '#agent/sketch/frequent-items.ts';
import { HyperLogLog } from '#agent/sketch/hyperloglog.ts';
import { Kll } from '#agent/sketch/kll.ts';
import { Theta } from '#agent/sketch/theta.ts';

/** `SEDGE_GOLDEN_PYTHON` names a Python that has the package `datasketches`. */
const python = process.env['SEDGE_GOLDEN_PYTHON'] ?? 'python3';
const script = fileURLToPath(new URL('../../../scripts/golden/read_back.py', import.meta.url));
const isThere = spawnSync(python, ['-c', 'import datasketches']).status === 0;

function readBack(cases: readonly object[]): unknown[] {
  const run = spawnSync(python, [script], { input: JSON.stringify(cases), encoding: 'utf8' });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as unknown[];
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const sizes = [0, 1, 7, 8, 100, 5000, 200_000];

describe.skipIf(!isThere)(
  isThere ? 'Apache DataSketches' : `Apache DataSketches (skipped: ${python} has no package datasketches)`,
  () => {
    it('reads our HyperLogLogs with our estimates', () => {
      for (const registerBits of [4, 6, 8] as const) {
        const sketches = sizes.map((size) => {
          const sketch = new HyperLogLog({ lgK: 11, registerBits });
          for (let i = 0; i < size; i++) sketch.updateInteger(i);
          return sketch;
        });
        const answers = readBack(
          sketches.map((sketch) => ({ kind: 'hll', bytes: base64(sketch.toBytes()) })),
        );
        for (const [i, sketch] of sketches.entries())
          expect(Math.abs((answers[i] as number) - sketch.estimate())).toBeLessThanOrEqual(
            1e-4 * sketch.estimate(),
          );
      }
    });

    it('reads our KLL sketches with our quantiles', () => {
      const ranks = [0.01, 0.5, 0.99];
      for (const precision of ['double', 'float'] as const) {
        const sketches = sizes.slice(1).map((size) => {
          const random = new Prng(size);
          const sketch = new Kll(random, { precision });
          for (let i = 0; i < size; i++) sketch.update(random.float());
          return sketch;
        });
        const answers = readBack(
          sketches.map((sketch) => ({ kind: 'kll', precision, ranks, bytes: base64(sketch.toBytes()) })),
        );
        expect(answers).toEqual(
          sketches.map((sketch) => [sketch.n, ...ranks.map((rank) => sketch.quantile(rank))]),
        );
      }
    });

    it('reads our frequent items with our bounds', () => {
      const sketches = sizes.map((size) => {
        const random = new Prng(size);
        const sketch = new FrequentItems({ lgMapSize: 6 });
        for (let i = 0; i < size; i++) sketch.update(`é${Math.floor(random.float() ** 3 * 500)}`);
        return sketch;
      });
      const answers = readBack(
        sketches.map((sketch) => ({ kind: 'frequent', bytes: base64(sketch.toBytes()) })),
      );
      for (const [i, sketch] of sketches.entries()) {
        const [total, rows] = answers[i] as [number, [string, number, number][]];
        expect(total).toBe(sketch.n);
        const ours = sketch.frequent('possible').map((row) => [row.item, row.lower, row.upper]);
        expect(new Set(rows.map(String))).toEqual(new Set(ours.map(String)));
      }
    });

    it('reads our theta sketches with our estimates', () => {
      const sketches = sizes.map((size) => {
        const sketch = new Theta({ lgK: 9, seed: 77 });
        for (let i = 0; i < size; i++) sketch.updateText(`t${i}`);
        return sketch;
      });
      const answers = readBack(
        sketches.map((sketch) => ({ kind: 'theta', seed: 77, bytes: base64(sketch.toBytes()) })),
      );
      for (const [i, sketch] of sketches.entries()) expect(answers[i]).toBeCloseTo(sketch.estimate(), 6);
    });
  },
);
