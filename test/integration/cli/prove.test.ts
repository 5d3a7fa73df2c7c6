import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DrillAccount } from '#agent/cli/prove/account.ts';
import { selfCommand } from '#agent/host/agent-process.ts';

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

interface Report {
  readonly kept: boolean;
  readonly drills: readonly DrillAccount[];
}

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-prove-test-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** `sedge prove` as a process. `until` ends it with SIGINT once it is true. */
function prove(
  parameters: readonly string[],
  options: { environment?: Record<string, string>; until?: () => boolean } = {},
): Promise<Ended> {
  const [command, ...leading] = selfCommand();
  const child = spawn(command, [...leading, 'prove', ...parameters], {
    env: { ...process.env, TMPDIR: folder, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let error = '';
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (error += bytes.toString()));
  const { until } = options;
  const look = setInterval(() => {
    if (until?.() !== true) return;
    clearInterval(look);
    child.kill('SIGINT');
  }, 5);
  return new Promise((resolve) => {
    child.on('exit', (code) => {
      clearInterval(look);
      resolve({ code, out, error });
    });
  });
}

function reportOf({ out, error }: Ended): DrillAccount {
  const report = JSON.parse(out === '' ? error : out) as Report;
  return report.drills[0]!;
}

describe('sedge prove --kill', { timeout: 240_000 }, () => {
  it('finds every acknowledged message again, and the ledger balanced', async () => {
    const ended = await prove(['--kill', '--messages', '4000', '--kills', '2', '--seed', '11', '--json']);

    const account = reportOf(ended);
    expect(account).toMatchObject({ acknowledged: 4_000, delivered: 4_000, lost: 0, kills: 2, broken: null });
    expect(account.ledger).toMatchObject({ balanced: true, buffered: 0 });
    expect(ended.code).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('finds the losses of an agent that acknowledges before the commit', async () => {
    let ended: Ended;
    let seed = 5;
    // A kill may hit an instant at which nothing was under way: about one drill in eight.
    do {
      ended = await prove(
        ['--kill', '--messages', '20000', '--kills', '3', '--seed', String(seed++), '--json'],
        {
          environment: { SEDGE_DRILL_UNSAFE_ACK: '1' },
        },
      );
    } while (reportOf(ended).lost === 0 && seed < 15);

    expect(reportOf(ended).lost).toBeGreaterThan(0);
    expect(ended.code).toBe(1);
  });

  it('says that nothing is proven when it is interrupted, and leaves nothing behind', async () => {
    const dir = join(folder, 'kept');
    const ended = await prove(['--messages', '1000000', '--kills', '1', '--seed', '1', '--dir', dir], {
      until: () => hasData(join(dir, 'kill', 'data')),
    });

    expect(ended.out).toContain('NOT PROVEN: interrupted');
    expect(ended.code).toBe(1);
    expect(readFileSync(join(dir, 'kill', 'sedge.yaml'), 'utf8')).toContain('ack: fsynced');
  });

  it('names a flag that is out of range', async () => {
    const ended = await prove(['--messages', 'many']);

    expect(ended.code).toBe(64);
    expect(ended.error).toContain('--messages: "many" is not a whole number');
  });
});

function hasData(path: string): boolean {
  try {
    return readdirSync(path).length > 0;
  } catch {
    return false;
  }
}
