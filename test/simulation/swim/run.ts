/** `node test/simulation/swim/run.ts [--seed N] [--count N]`: so many lives of a site, from that seed on. Ends 1 at the first that fails. */
import { parseArgs } from 'node:util';
import { messageOf } from '#agent/base/errors.ts';
import { runChaos } from './chaos.ts';

/** @throws with one line for whoever typed it */
function readParameters(): { readonly first: number; readonly count: number } {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '1' },
    },
  });
  const whole = (name: string, text: string, from: number, to: number): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= from && value <= to) return value;
    throw new Error(`--${name} ${text}: a whole number from ${from} to ${to} is expected`);
  };
  return {
    first: whole('seed', values.seed, 0, Number.MAX_SAFE_INTEGER - 1e9),
    count: whole('count', values.count, 1, 1e9),
  };
}

function main(): number {
  let parameters: ReturnType<typeof readParameters>;
  try {
    parameters = readParameters();
  } catch (error) {
    console.error(`sim:swim: ${messageOf(error).split('\n', 1)[0]!.trim()}`);
    return 64;
  }
  const { first, count } = parameters;
  let slowestMs = 0;
  try {
    for (let seed = first; seed < first + count; seed++) {
      const done = seed - first;
      if (done > 0 && done % 1_000 === 0) console.error(`${done} of ${count} seeds`);
      const report = runChaos(seed);
      slowestMs = Math.max(slowestMs, report.healedMs);
      if (count === 1)
        console.log(
          `seed ${seed}: ${report.size} agents, healed in ${report.healedMs} ms, trace ${report.trace}`,
        );
    }
  } catch (error) {
    console.error(messageOf(error));
    return 1;
  }
  console.log(`${count} seeds clean; slowest to heal: ${slowestMs} ms`);
  return 0;
}

process.exitCode = main();
