/** `node test/simulation/swim/run.ts [--seed N] [--count N]`: so many lives of a site, from that seed on. */
import { parseArgs } from 'node:util';
import { runChaos } from './chaos.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
  },
});
const first = Number(values.seed);
const count = Number(values.count);
let slowestMs = 0;
for (let seed = first; seed < first + count; seed++) {
  const report = runChaos(seed);
  slowestMs = Math.max(slowestMs, report.healedMs);
  if (count === 1)
    console.log(
      `seed ${seed}: ${report.size} agents, healed in ${report.healedMs} ms, trace ${report.trace}`,
    );
}
console.log(`${count} seeds clean; slowest to heal: ${slowestMs} ms`);
