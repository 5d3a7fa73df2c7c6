import { parentPort, workerData } from 'node:worker_threads';
import { runModel } from '#test/property/buffer/model/store-model.ts';

/** Runs every second seed, or every only one: says after each how it went, `null` for well. */
const { from, until, every, steps } = workerData as Record<'from' | 'until' | 'every' | 'steps', number>;
for (let seed = from; seed < until; seed += every) {
  try {
    runModel(seed, steps);
    parentPort?.postMessage({ seed, failure: null });
  } catch (error) {
    parentPort?.postMessage({ seed, failure: (error as Error).message });
    break;
  }
}
