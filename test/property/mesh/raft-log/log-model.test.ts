import { expect, test } from 'vitest';
import { LogModel, metNothing, type Machine, type Met } from './log-model.ts';
import { simulatedMachine, sqliteMachine } from './machines.ts';

/** `SEDGE_RAFT_LOG_SEED` replays one seed; `SEDGE_RAFT_LOG_SEEDS` runs as many from 1 on. */
const only = process.env['SEDGE_RAFT_LOG_SEED'];
const count = process.env['SEDGE_RAFT_LOG_SEEDS'];

function runSeeds(
  make: (seed: number) => Machine,
  options: { readonly seeds: number; readonly steps: number },
): Met {
  const met = metNothing();
  const seeds = Number(count ?? options.seeds);
  for (let seed = Number(only ?? 1); seed <= Number(only ?? seeds); seed++) {
    const machine = make(seed);
    try {
      new LogModel(seed, machine, met).run(options.steps);
    } catch (error) {
      const replay = `SEDGE_RAFT_LOG_SEED=${seed} vitest run --project property log-model`;
      throw new Error(`seed ${seed} (${replay})`, { cause: error });
    } finally {
      machine.dispose();
    }
  }
  return met;
}

test('a simulated log is what was answered, whatever crashes, fails or is spoiled', () => {
  const met = runSeeds(simulatedMachine, { seeds: 400, steps: 60 });
  if (only === undefined)
    for (const [what, times] of Object.entries(met)) expect(times, what).toBeGreaterThan(20);
});

test('a log in SQLite is what was answered, whatever statement the process dies at', () => {
  const met = runSeeds(sqliteMachine, { seeds: 6, steps: 40 });
  if (only === undefined) expect(met.crashes).toBeGreaterThan(6);
});
