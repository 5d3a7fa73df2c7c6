/**
 * `node test/simulation/raft/run.ts [--seed N] [--count N] [--nodes 3|5|7] [--storage plain|log] [--keep-going]`: so many lives of a group, from that seed on.
 * Ends at the first that fails, or with `--keep-going` after all; with 1 when any has.
 */
import { parseArgs } from 'node:util';
import { messageOf } from '#agent/base/errors.ts';
import { runChaos, type ChaosReport } from './chaos.ts';
import type { SimSettings } from './settings.ts';

interface Parameters {
  readonly first: number;
  readonly count: number;
  readonly voters: number | undefined;
  readonly storage: SimSettings['storage'] | undefined;
  readonly keepsGoing: boolean;
}

/** @throws with one line for whoever typed it */
function readParameters(): Parameters {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '1' },
      nodes: { type: 'string' },
      storage: { type: 'string' },
      'keep-going': { type: 'boolean', default: false },
    },
  });
  const whole = (name: string, text: string, from: number, to: number): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= from && value <= to) return value;
    throw new Error(`--${name} ${text}: a whole number from ${from} to ${to} is expected`);
  };
  const { storage } = values;
  if (storage !== undefined && storage !== 'plain' && storage !== 'log')
    throw new Error(`--storage ${storage}: plain or log is expected`);
  return {
    storage,
    first: whole('seed', values.seed, 0, Number.MAX_SAFE_INTEGER - 1e9),
    count: whole('count', values.count, 1, 1e9),
    voters: values.nodes === undefined ? undefined : whole('nodes', values.nodes, 1, 9),
    keepsGoing: values['keep-going'],
  };
}

function parametersOrExit(): Parameters {
  try {
    return readParameters();
  } catch (error) {
    console.error(`sim: ${messageOf(error).split('\n', 1)[0]!.trim()}`);
    process.exit(64);
  }
}

const { first, count, voters, storage, keepsGoing } = parametersOrExit();
const fixed = {
  ...(voters === undefined ? {} : { voters }),
  ...(storage === undefined ? {} : { storage }),
};
const total = { ticks: 0, operations: 0, acknowledged: 0, undecided: 0, slowest: 0 };
const counts: Record<string, number> = {};
const start = performance.now();
let failed = 0;

function runOne(seed: number): ChaosReport | null {
  try {
    return runChaos({ seed, ...fixed });
  } catch (error) {
    failed++;
    console.error(messageOf(error));
    if (count === 1) console.error(error);
    return null;
  }
}

for (let seed = first; seed < first + count; seed++) {
  const done = seed - first;
  if (done > 0 && done % 1_000 === 0) console.error(`${done} of ${count} seeds, ${failed} failed`);
  const report = runOne(seed);
  if (report === null && keepsGoing) continue;
  if (report === null) break;
  total.ticks += report.ticks;
  total.operations += report.operations;
  total.acknowledged += report.acknowledged;
  total.undecided += Number(report.isUndecided);
  total.slowest = Math.max(total.slowest, report.healedTicks);
  for (const [name, value] of Object.entries(report.counts)) counts[name] = (counts[name] ?? 0) + value;
  if (count === 1)
    console.log(
      `seed ${seed}: ${report.voters} members, ${report.storage} disks, ${report.ticks} ticks, ${report.acknowledged} of ${report.operations} operations answered, healed in ${report.healedTicks} ticks, trace ${report.trace}`,
    );
}
const { undecided } = total;
/** A search for an order may be given up once in a thousand lives; more would hide something. */
const undecidedMax = Math.ceil(count / 1_000);
const seconds = (performance.now() - start) / 1_000;
console.log(
  `${failed === 0 && undecided <= undecidedMax ? `${count} seeds clean` : `${failed} seeds FAILED`}: ${total.ticks} cluster ticks (${Math.round(total.ticks / seconds)} a second), ${total.acknowledged} of ${total.operations} operations answered, ` +
    Object.entries(counts)
      .map(([name, value]) => `${value} ${name}`)
      .join(', ') +
    `; slowest to heal: ${total.slowest} ticks` +
    (undecided > 0 ? `; ${undecided} histories undecided, of which ${undecidedMax} are borne` : ''),
);
process.exitCode = failed === 0 && undecided <= undecidedMax ? 0 : 1;
