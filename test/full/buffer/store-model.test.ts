import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';

/**
 * Beyond the seeds of the unit project, longer runs. Others: `SEDGE_MODEL_FROM=20000 SEDGE_MODEL_RUNS=50000`; one again: `SEDGE_MODEL_SEED=17`; with
 * `vitest run --project full buffer/store-model`.
 */
const single = process.env['SEDGE_MODEL_SEED'];
const from = Number(single ?? process.env['SEDGE_MODEL_FROM'] ?? 1_000);
const runs = single === undefined ? Number(process.env['SEDGE_MODEL_RUNS'] ?? 5_000) : 1;
const steps = 15;
/** Boards and runners have two cores. */
const workers = 2;

test(
  'the store does what its in-memory twin does over thousands of seeds, whatever fails at whichever statement',
  { timeout: 3_600_000 },
  async () => {
    const failures: string[] = [];
    let passed = 0;
    const shards = Array.from({ length: workers }, async (_, shard) => {
      const workerData = { from: from + shard, until: from + runs, every: workers, steps };
      const worker = new Worker(new URL('./model-worker.ts', import.meta.url), { workerData });
      worker.on('message', ({ seed, failure }: { seed: number; failure: string | null }) => {
        if (failure === null) passed++;
        else {
          const replay = `SEDGE_MODEL_SEED=${seed} vitest run --project full buffer/store-model`;
          failures.push(`${failure}\nreplay: ${replay}`);
        }
      });
      await once(worker, 'exit');
    });
    await Promise.all(shards);

    expect(failures.join('\n\n')).toBe('');
    expect(passed).toBe(runs);
  },
);
