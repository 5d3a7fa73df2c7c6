import { Prng } from '#agent/base/prng.ts';
import { SimulatedLogDevice } from '#test/simulation/raft-log/simulated-log-device.ts';
import { SimulatedRaftLog } from '#test/simulation/raft-log/simulated-raft-log.ts';
import { describeRaftLogStorage, type StorageRig } from './storage-compliance.ts';

function simulatedRig(): StorageRig {
  const chance = new Prng(7);
  const device = new SimulatedLogDevice(chance);
  let nowMs = 0;
  let log: SimulatedRaftLog | null = null;
  return {
    boot: () => (log = new SimulatedRaftLog({ device, chance, now: () => nowMs, latencyMs: () => 3 })),
    kill: () => log?.crash({ powerCut: true }),
    until: async (reached) => {
      for (let step = 0; step < 50_000 && !reached(); step++) {
        await Promise.resolve();
        nowMs++;
        log?.advance();
      }
      if (!reached()) throw new Error('not reached');
    },
    setDisk: (trouble) => {
      device.faults.full = trouble === 'full';
      device.faults.failing = trouble === 'io';
    },
    damageEntry: (index) => void device.loseEntry(index),
    damageHead: () => void device.flip('head'),
    damageBallot: () => void device.flip('ballot'),
    dispose: () => undefined,
  };
}

describeRaftLogStorage('the simulated log', simulatedRig);
