import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { RaftLogFiles } from '#agent/host/raft-log-files.ts';
import { memoryLogOf } from '#agent/mesh/raft-log/image.ts';
import { LogStore } from '#agent/mesh/raft-log/log-store.ts';
import { SqliteDevice } from '#agent/mesh/raft-log/sqlite-device.ts';
import type { MemoryLog } from '#agent/mesh/raft/log/memory-log.ts';
import { applied, difference, type TwinState } from '#test/property/mesh/raft-log/log-twin.ts';
import { drawOrder, ordersUnderWayMax, twinOf } from './drawn-orders.ts';

const child = fileURLToPath(new URL('./kill-child.ts', import.meta.url));

function openLog(folder: string): MemoryLog {
  const store = new LogStore(new SqliteDevice({ files: new RaftLogFiles({ folder }), owner: 'site/1' }));
  const opening = store.open();
  store.close();
  if (opening.kind === 'damaged') throw new Error(opening.damage.reason);
  expect(opening.truncation).toBeNull();
  return memoryLogOf(opening.image);
}

/** Kills the writer after so many answers, and answers the last id that was answered. */
async function writeAndKill(
  folder: string,
  work: { readonly seed: number; readonly answers: number },
): Promise<number> {
  const writer = spawn(process.execPath, [child, folder, String(work.seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const answered: number[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    answered.push(Number(line));
    if (answered.length === work.answers) writer.kill('SIGKILL');
  }
  if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
  expect(writer.signalCode).toBe('SIGKILL');
  return Math.max(...answered);
}

test('a process killed while it writes its log finds all that was answered, and nothing that was not ordered', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-raft-kill-'));
  try {
    let state = twinOf(openLog(folder));
    for (let seed = 1; seed <= 12; seed++) {
      const answered = await writeAndKill(folder, { seed, answers: 5 + seed * 37 });
      const chance = new Prng(seed);
      const states: TwinState[] = [];
      for (let id = 1; id <= answered + ordersUnderWayMax; id++) {
        state = applied(state, drawOrder(chance, state, id));
        if (id >= answered) states.push(state);
      }
      const reader = openLog(folder);
      const differences = states.map((candidate) =>
        difference(reader, candidate, { low: 0, high: candidate.snapshot?.id.index ?? 0 }),
      );
      expect(differences).toContain(null);
      state = twinOf(reader);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
