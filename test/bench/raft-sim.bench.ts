import { runChaos } from '#test/simulation/raft/chaos.ts';
import type { Bench, BenchResult } from './bench.ts';

/** Lives of a group under faults, invariants, clients and their judge included. */
function speed(voters: number): BenchResult {
  runChaos({ seed: 1, voters });
  const start = performance.now();
  let ticks = 0;
  for (let seed = 2; performance.now() - start < 3_000; seed++) ticks += runChaos({ seed, voters }).ticks;
  const seconds = (performance.now() - start) / 1_000;
  return {
    name: `Raft group of ${voters} in simulation`,
    figure: ticks / seconds,
    unit: 'cluster ticks/s',
    budget: 5_000,
    note: 'one core; network, disks, faults, invariants, clients and the judge of their histories included',
  };
}

export const benches: readonly Bench[] = [{ name: 'raft simulator', run: () => [3, 5, 7].map(speed) }];
