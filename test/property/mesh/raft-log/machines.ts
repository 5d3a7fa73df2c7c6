import { Prng } from '#agent/base/prng.ts';
import { RaftLogEvents } from '#agent/mesh/raft-log/events.ts';
import { RaftLogClient } from '#agent/mesh/raft-log/log-client.ts';
import { LogService } from '#agent/mesh/raft-log/log-service.ts';
import { LogStore } from '#agent/mesh/raft-log/log-store.ts';
import type { LogNews } from '#agent/mesh/raft-log/protocol.ts';
import { SqliteDevice } from '#agent/mesh/raft-log/sqlite-device.ts';
import { Crash, faulty, Faults } from '#test/property/buffer/model/fault-database.ts';
import { PowerCut, SimulatedLogDevice } from '#test/simulation/raft-log/simulated-log-device.ts';
import { SimulatedRaftLog } from '#test/simulation/raft-log/simulated-raft-log.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';
import { owner, SqliteRig } from '#test/unit/mesh/raft-log/sqlite-rig.ts';
import type { Machine } from './log-model.ts';

/** Time enough for one try to reopen a failed disk, at the longest pause. */
const workMs = 10_000;

export function simulatedMachine(seed: number): Machine {
  const chance = new Prng(seed ^ 0x5eed);
  const device = new SimulatedLogDevice(chance);
  let nowMs = 0;
  let log: SimulatedRaftLog | null = null;
  return {
    boot: () =>
      (log = new SimulatedRaftLog({ device, chance, now: () => nowMs, latencyMs: () => chance.below(20) })),
    work: () => {
      nowMs += chance.chance(0.5) ? 5 : workMs;
      try {
        log!.advance();
        return true;
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
        log!.crash({ powerCut: true });
        return false;
      }
    },
    crash: () => log!.crash({ powerCut: chance.chance(0.5) }),
    setDisk: (trouble) => {
      device.faults.full = trouble === 'full';
      device.faults.failing = trouble === 'io';
    },
    dieWithin: (statements) => device.cutWithin(statements, false),
    spoil: (index) => {
      if (chance.chance(0.3)) device.loseEntry(index);
      else device.flipEntry(index);
    },
    dispose: () => undefined,
  };
}

export function sqliteMachine(seed: number): Machine {
  const chance = new Prng(seed ^ 0x5eed);
  const disk = new SqliteRig();
  const faults = new Faults();
  let nowMs = 0;
  let turn = (): void => undefined;
  const files = {
    ...disk.files,
    open: (generation: number) => faulty(disk.files.open(generation), faults),
  };
  return {
    boot: () => {
      faults.set(null);
      const store = new LogStore(new SqliteDevice({ files, owner }));
      const service = new LogService({ store, now: () => nowMs });
      let hear: (news: readonly LogNews[]) => void = () => undefined;
      turn = () => hear(service.turn().news);
      return new RaftLogClient({
        channel: {
          post: (request) => service.take(request),
          onNews: (listener) => void (hear = listener),
          onDeath: () => undefined,
          end: () => Promise.resolve(),
        },
        events: new RaftLogEvents(new SilentTelemetry()),
      });
    },
    work: () => {
      nowMs += workMs;
      try {
        turn();
        return true;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        disk.kill();
        return false;
      }
    },
    crash: () => disk.kill(),
    setDisk: (trouble) => void (disk.trouble = trouble),
    dieWithin: (atStatement) => faults.set({ kind: 'crash', atStatement, afterwards: chance.chance(0.5) }),
    spoil: (index) => {
      const sql = chance.pick([
        'DELETE FROM entries WHERE idx = ?',
        'UPDATE entries SET term = term + 1 WHERE idx = ?',
        'UPDATE entries SET kind = kind + 1 WHERE idx = ?',
        'UPDATE entries SET crc = crc + 1 WHERE idx = ?',
        "UPDATE entries SET chain = x'00' WHERE idx = ?",
        "UPDATE entries SET data = CAST('x' || data AS BLOB) WHERE idx = ?",
      ]);
      disk.change(sql, index);
    },
    dispose: () => disk.remove(),
  };
}
