/**
 * Runs the properties with seeds nobody has tried before, one after the other, and ends at the first that fails.
 * `npm run fuzz -- [--count N] [--from SEED] [FILTER …]`: 10 seeds, from the time of day, unless told otherwise.
 */
import { parseArgs } from 'node:util';
import { runStep } from './steps.ts';

const { values, positionals } = parseArgs({
  options: { count: { type: 'string' }, from: { type: 'string' } },
  allowPositionals: true,
});
const count = Number(values.count ?? 10);
const from = Number(values.from ?? Date.now() % 1_000_000_000);

if (![count, from].every((value) => Number.isSafeInteger(value) && value >= 0)) {
  console.error('fuzz: --count and --from are whole numbers from 0 on');
  process.exitCode = 64;
} else {
  for (let seed = from; seed < from + count && process.exitCode === undefined; seed++) {
    const words = ['run', '--project', 'property', '--bail', '1', ...positionals];
    if ((await runStep('vitest', words, { FUZZ_SEED: String(seed) })) === 0) continue;
    console.log(`\nagain: npm run fuzz -- --from ${seed} --count 1 ${positionals.join(' ')}`);
    process.exitCode = 1;
  }
}
