import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, type TestContext } from 'vitest';
import { startRaftLogThread } from '#agent/host/raft-log-thread.ts';
import { KiB } from '#agent/base/units.ts';
import { RaftLogEvents } from '#agent/mesh/raft-log/events.ts';
import { RaftLogClient } from '#agent/mesh/raft-log/log-client.ts';
import type { LogReport } from '#agent/mesh/raft-log/port.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';
import { state } from '#test/unit/mesh/raft-log/storage-compliance.ts';

function mountSmall(context: TestContext): string {
  const mount = mkdtempSync(join(tmpdir(), 'sedge-raft-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', mount], { stdio: 'pipe' });
  } catch (error) {
    rmSync(mount, { recursive: true, force: true });
    context.skip(`mount refused: ${(error as Error).message.split('\n').at(-2) ?? ''}`);
  }
  return mount;
}

test('a log on a full device stands back, and comes back with every answered entry when there is room', async (context) => {
  const mount = mountSmall(context);
  const channel = startRaftLogThread({ folder: join(mount, 'log'), owner: 'site/1' });
  const telemetry = new SilentTelemetry();
  const log = new RaftLogClient({ channel, events: new RaftLogEvents(telemetry) });
  const reports: LogReport[] = [];
  const until = async (kind: LogReport['kind']): Promise<void> => {
    while (!reports.some((report) => report.kind === kind))
      await new Promise((resolve) => setImmediate(resolve));
  };
  try {
    log.start((report) => void reports.push(report));
    await until('ready');
    let last = 0;
    while (!reports.some(({ kind }) => kind === 'lost')) {
      reports.length = 0;
      const entries = [{ index: last + 1, term: 1, kind: 'normal' as const, data: new Uint8Array(48 * KiB) }];
      log.submit({ kind: 'append', id: last + 1, hardState: state(1, 1, last), entries, snapshot: null });
      await Promise.race([until('done'), until('lost')]);
      if (reports.some(({ kind }) => kind === 'done')) last++;
    }
    expect(reports).toMatchObject([{ kind: 'lost', trouble: 'full' }]);

    execFileSync('mount', ['-o', 'remount,size=16m', mount], { stdio: 'pipe' });
    await until('ready');

    expect(log.reader.lastIndex()).toBe(last);
    expect(last).toBeGreaterThan(20);
    expect(telemetry.counts.get('raft_log_recoveries')).toBe(1);
    await log.stop();
  } finally {
    await channel.end();
    execFileSync('umount', ['-l', mount]);
    rmSync(mount, { recursive: true, force: true });
  }
});
