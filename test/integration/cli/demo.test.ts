import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { demoVerb } from '#agent/cli/demo/demo-verb.ts';
import { selfCommand } from '#agent/host/agent-process.ts';
import { fakeWorld } from '#test/support/fake-world.ts';
import { until } from '#test/support/until.ts';

describe('sedge demo', () => {
  it('tells its story with real parts and loses nothing and stores nothing twice', async () => {
    const world = fakeWorld();

    const code = await demoVerb.run({ words: [], flags: new Map([['story', true]]) }, world);

    expect(world.outText()).toMatch(/agent killed with SIGKILL/);
    expect(world.outText()).toMatch(/ 0 lost, 0 twice; ledger balanced/);
    expect(code).toBe(0);
  });

  it('goes on with readings after its story where no terminal asks for an end, and counts them too', async () => {
    const world = fakeWorld();

    const code = await demoVerb.run({ words: [], flags: new Map([['seconds', '1']]) }, world);

    const counts = [...world.outText().matchAll(/([\d,]+) readings acknowledged/g)];
    const [told, last] = counts.map(([, count]) => Number(count!.replaceAll(',', '')));
    expect(last).toBeGreaterThan(told!);
    expect(world.outText()).toMatch(/flowing again/);
    expect(code).toBe(0);
  });

  it('gives its account after Ctrl-C, which a terminal sends to every process in the foreground', async () => {
    const [command, ...leading] = selfCommand();
    const child = spawn(command, [...leading, 'demo', '--story'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
    await until('the first readings', () => out.includes('flowing'));

    process.kill(-child.pid!, 'SIGINT');
    const [code] = (await once(child, 'close')) as [number];

    expect(out).toMatch(/ 0 lost, 0 twice; ledger balanced/);
    expect(out).not.toContain('SIGKILL');
    expect(code).toBe(0);
  });
});
