import { runChaos } from '#test/simulation/raft/chaos.ts';
import type { Bench, BenchResult } from './bench.ts';

/** Lives of a group under faults, invariants, clients and their judge included. */
function speed(voters: number, storage?: 'plain' | 'log'): BenchResult {
  const fixed = storage === undefined ? { voters } : { voters, storage };
  runChaos({ seed: 1, ...fixed });
  const start = performance.now();
  let ticks = 0;
  for (let seed = 2; performance.now() - start < 3_000; seed++) ticks += runChaos({ seed, ...fixed }).ticks;
  const seconds = (performance.now() - start) / 1_000;
  return {
    name: `Raft group of ${voters} in simulation${storage === undefined ? '' : `, ${storage} disks`}`,
    figure: ticks / seconds,
    unit: 'cluster ticks/s',
    budget: 5_000,
    note: 'one core; network, disks, faults, invariants, clients and the judge of their histories included',
  };
}

export const benches: readonly Bench[] = [
  { name: 'raft simulator', run: () => [speed(3), speed(5), speed(7), speed(3, 'plain'), speed(3, 'log')] },
];
