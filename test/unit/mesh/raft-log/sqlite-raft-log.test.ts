import { RaftLogEvents } from '#agent/mesh/raft-log/events.ts';
import { RaftLogClient } from '#agent/mesh/raft-log/log-client.ts';
import { LogService } from '#agent/mesh/raft-log/log-service.ts';
import { LogStore } from '#agent/mesh/raft-log/log-store.ts';
import type { LogChannel, LogNews } from '#agent/mesh/raft-log/protocol.ts';
import { SqliteDevice } from '#agent/mesh/raft-log/sqlite-device.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';
import { owner, SqliteRig } from './sqlite-rig.ts';
import { describeRaftLogStorage, type StorageRig } from './storage-compliance.ts';

function sqliteRig(): StorageRig {
  const disk = new SqliteRig();
  let nowMs = 0;
  let turn = (): void => undefined;
  return {
    boot: () => {
      const service = new LogService({
        store: new LogStore(new SqliteDevice({ files: disk.files, owner })),
        now: () => nowMs,
      });
      let hear: (news: readonly LogNews[]) => void = () => undefined;
      const channel: LogChannel = {
        post: (request) => service.take(structuredClone(request)),
        onNews: (listener) => void (hear = listener),
        onDeath: () => undefined,
        end: () => Promise.resolve(),
      };
      turn = () => hear(structuredClone(service.turn().news));
      return new RaftLogClient({ channel, events: new RaftLogEvents(new SilentTelemetry()) });
    },
    kill: () => disk.kill(),
    until: async (reached) => {
      for (let step = 0; step < 1_000 && !reached(); step++) {
        await Promise.resolve();
        nowMs += 50;
        turn();
      }
      if (!reached()) throw new Error('not reached');
    },
    setDisk: (trouble) => void (disk.trouble = trouble),
    damageEntry: (index) =>
      disk.change("UPDATE entries SET data = CAST('x' || data AS BLOB) WHERE idx = ?", index),
    damageHead: () => disk.change('UPDATE head SET last_idx = last_idx + 16'),
    damageBallot: () => disk.change('UPDATE ballot SET vote = vote + 1'),
    dispose: () => disk.remove(),
  };
}

describeRaftLogStorage('the log in SQLite', sqliteRig);
