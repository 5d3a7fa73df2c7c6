import { expect, test } from 'vitest';
import { runModel } from './model/store-model.ts';

/** Short runs; the full project does thousands of longer ones. More, or one again: `SEDGE_MODEL_RUNS=5000`, `SEDGE_MODEL_SEED=17`, with `vitest run --project property store-model`. */
const runs = Number(process.env['SEDGE_MODEL_RUNS'] ?? 200);
const steps = 10;
/** Found broken once, by longer runs: a retry on a full device dropped every summary. */
const remembered = [
  [1279, 15],
  [1738, 15],
] as const;
const seed = process.env['SEDGE_MODEL_SEED'];

test(
  'the store does what its in-memory twin does, whatever fails at whichever statement',
  { timeout: 600_000 },
  () => {
    const first = seed === undefined ? 1 : Number(seed);
    const last = seed === undefined ? runs : first;
    for (let run = first; run <= last; run++) {
      try {
        runModel(run, steps);
      } catch (error) {
        throw new Error(
          `${(error as Error).message}\nreplay: SEDGE_MODEL_SEED=${run} vitest run --project property store-model`,
          { cause: error },
        );
      }
    }
    expect(last - first).toBeGreaterThanOrEqual(0);
  },
);

test.for(remembered)('the store does what its in-memory twin does at seed %i, %i steps', ([run, length]) => {
  expect(() => runModel(run, length)).not.toThrow();
});
