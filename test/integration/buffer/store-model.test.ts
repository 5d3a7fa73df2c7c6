import { test } from 'vitest';
import { runModel } from '#test/property/buffer/model/store-model.ts';

/** Beyond the few seeds of the unit project; `SEDGE_MODEL_RUNS` for more, `SEDGE_MODEL_FROM` for others. */
const from = Number(process.env['SEDGE_MODEL_FROM'] ?? 1_000);
const runs = Number(process.env['SEDGE_MODEL_RUNS'] ?? 150);

test(
  'hundreds of seeds of the store model, longer than the unit tests have time for',
  { timeout: 600_000 },
  () => {
    for (let seed = from; seed < from + runs; seed++) {
      try {
        runModel(seed, 60);
      } catch (error) {
        const replay = `SEDGE_MODEL_FROM=${seed} SEDGE_MODEL_RUNS=1 vitest run --project integration buffer/store-model`;
        throw new Error(`${(error as Error).message}\nreplay: ${replay}`, { cause: error });
      }
    }
  },
);
