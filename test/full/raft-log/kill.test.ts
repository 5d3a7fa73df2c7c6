import { spawn, type ChildProcess } from 'node:child_process';
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

/** The place a log is written at. */
interface Site {
  readonly folder: string;
  /** Null: the end of a process is enough. */
  readonly disk: LoopDisk | null;
  writer: ChildProcess | null;
}

/** Kills the writer after so many answers, and answers the last id that was answered. */
async function writeAndKill(
  site: Site,
  work: { readonly seed: number; readonly answers: number },
): Promise<number> {
  const writer = spawn(process.execPath, [child, site.folder, String(work.seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  site.writer = writer;
  const answered: number[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    answered.push(Number(line));
    if (answered.length !== work.answers) continue;
    site.disk?.cut();
    writer.kill('SIGKILL');
  }
  if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
  expect(writer.signalCode).toBe('SIGKILL');
  await site.disk?.replug();
  return Math.max(...answered);
}

/** Twelve lives of one log, each ended in the midst of its work. */
async function holdToTwin(site: Site): Promise<void> {
  let state = twinOf(openLog(site.folder));
  for (let seed = 1; seed <= 12; seed++) {
    const answered = await writeAndKill(site, { seed, answers: 5 + seed * 37 });
    const chance = new Prng(seed);
    const states: TwinState[] = [];
    for (let id = 1; id <= answered + ordersUnderWayMax; id++) {
      state = applied(state, drawOrder(chance, state, id));
      if (id >= answered) states.push(state);
    }
    const reader = openLog(site.folder);
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
    await holdToTwin({ folder, disk: null, writer: null });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.skipIf(loopDiskMissing !== null)(
  `a power cut takes nothing that was answered${loopDiskMissing === null ? '' : ` (skipped: ${loopDiskMissing})`}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sedge-raft-cut-'));
    let site: Site | null = null;
    const disk = LoopDisk.create({ folder, bytes: 64 * MiB, holders: () => [site?.writer?.pid] });
    try {
      site = { folder: join(disk.mountPoint, 'log'), disk, writer: null };
      await holdToTwin(site);
    } finally {
      await disk.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
