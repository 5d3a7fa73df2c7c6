import { RaftLogEvents } from '#agent/mesh/raft-log/events.ts';
import { RaftLogClient } from '#agent/mesh/raft-log/log-client.ts';
import type { LogChannel } from '#agent/mesh/raft-log/protocol.ts';
import { startRaftLogThread } from '#agent/host/raft-log-thread.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';
import { owner, SqliteRig } from '#test/unit/mesh/raft-log/sqlite-rig.ts';
import { describeRaftLogStorage, type StorageRig } from '#test/unit/mesh/raft-log/storage-compliance.ts';

function threadRig(): StorageRig {
  const disk = new SqliteRig();
  let channel: LogChannel | null = null;
  return {
    boot: () => {
      channel = startRaftLogThread({ folder: disk.folder, owner });
      return new RaftLogClient({ channel, events: new RaftLogEvents(new SilentTelemetry()) });
    },
    kill: async () => channel?.end(),
    until: async (reached) => {
      const end = performance.now() + 100_000;
      while (!reached()) {
        if (performance.now() > end) throw new Error('not reached');
        await new Promise((resolve) => void setImmediate(resolve));
      }
    },
    setDisk: () => undefined,
    damageEntry: (index) =>
      disk.change("UPDATE entries SET data = CAST('x' || data AS BLOB) WHERE idx = ?", index),
    damageHead: () => disk.change('UPDATE head SET last_idx = last_idx + 16'),
    damageBallot: () => disk.change('UPDATE ballot SET vote = vote + 1'),
    dispose: async () => {
      await channel?.end();
      disk.remove();
    },
  };
}

describeRaftLogStorage('the log on its thread', threadRig, { canFail: false });
