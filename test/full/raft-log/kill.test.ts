import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { MiB } from '#agent/base/units.ts';
import { LoopDisk } from '#agent/host/power-cut.ts';
import { RaftLogFiles } from '#agent/host/raft-log-files.ts';
import { memoryLogOf } from '#agent/mesh/raft-log/image.ts';
import { LogStore } from '#agent/mesh/raft-log/log-store.ts';
import { SqliteDevice } from '#agent/mesh/raft-log/sqlite-device.ts';
import type { MemoryLog } from '#agent/mesh/raft/log/memory-log.ts';
import { applied, difference, type TwinState } from '#test/property/mesh/raft-log/log-twin.ts';
import { loopDiskMissing } from '#test/support/loop-disk.ts';
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
  work: { readonly seed: number; readonly answers: number; readonly disk: LoopDisk | null },
): Promise<number> {
  const writer = spawn(process.execPath, [child, folder, String(work.seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const answered: number[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    answered.push(Number(line));
    if (answered.length !== work.answers) continue;
    work.disk?.cut();
    writer.kill('SIGKILL');
  }
  if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
  expect(writer.signalCode).toBe('SIGKILL');
  await work.disk?.replug();
  return Math.max(...answered);
}

/** Twelve lives of one log, each ended in the midst of its work. */
async function holdToTwin(folder: string, disk: LoopDisk | null): Promise<void> {
  let state = twinOf(openLog(folder));
  for (let seed = 1; seed <= 12; seed++) {
    const answered = await writeAndKill(folder, { seed, answers: 5 + seed * 37, disk });
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
}

test('a process killed while it writes its log finds all that was answered, and nothing that was not ordered', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-raft-kill-'));
  try {
    await holdToTwin(folder, null);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.skipIf(loopDiskMissing !== null)(
  `a power cut takes nothing that was answered${loopDiskMissing === null ? '' : ` (skipped: ${loopDiskMissing})`}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sedge-raft-cut-'));
    const disk = LoopDisk.create({ folder, bytes: 64 * MiB, holders: () => [] });
    try {
      await holdToTwin(join(disk.mountPoint, 'log'), disk);
    } finally {
      await disk.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
