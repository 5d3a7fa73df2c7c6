import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerHost } from '#test/support/broker-host.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('../../support/broker-process.ts', import.meta.url));
const installed = existsSync('/usr/bin/mosquitto_pub') && existsSync('/usr/bin/mosquitto_sub');
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Starts the embedded broker in a process of its own. */
async function start(file: string): Promise<{ child: ChildProcess; port: string }> {
  const child = spawn(process.execPath, [program, file, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  closers.push(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, port: String((JSON.parse(line.toString()) as { port: number }).port) };
}

/** Session expiry makes an MQTT 5 session outlive its connection. */
const session = (version: string): string[] =>
  version === '5' ? ['-c', '-x', '600', '-V', '5'] : ['-c', '-V', '311'];

/** What a program says on stderr, whether it calls that a failure or not. */
async function complaint(command: string, words: readonly string[]): Promise<string> {
  const { stderr } = await run(command, words).catch((error: { stderr: string }) => error);
  return stderr;
}

describe.skipIf(!installed).each(['311', '5'])(
  'mosquitto_sub and mosquitto_pub, version %s, at the embedded broker (skipped without mosquitto-clients)',
  (version) => {
    it.each([1, 2])('a subscriber that was away over a kill -9 gets every message, QoS %i', async (qos) => {
      const folder = mkdtempSync(join(tmpdir(), 'sedge-broker-'));
      closers.push(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'sessions');
      const at = (port: string): string[] => ['-h', '127.0.0.1', '-p', port, '-q', String(qos)];
      const { child, port } = await start(file);
      const one = ['-i', 'viewer', '-t', 'a/#', ...session(version)];
      await run('mosquitto_sub', [...at(port), ...one, '-E']);
      const count = 300;
      const publisher = spawn('/usr/bin/mosquitto_pub', [...at(port), '-V', version, '-t', 'a/b', '-l']);
      publisher.stdin.end(Array.from({ length: count }, (_, i) => `${i}\n`).join(''));
      expect(await once(publisher, 'exit')).toEqual([0, null]);

      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      const again = await start(file);
      await run('mosquitto_pub', [...at(again.port), '-V', version, '-t', 'a/b', '-m', 'last']);
      const { stdout } = await run('mosquitto_sub', [
        ...at(again.port),
        ...one,
        '-C',
        String(count + 1),
        '-W',
        '30',
      ]);

      expect(stdout.trim().split('\n')).toEqual([...Array.from({ length: count }, (_, i) => `${i}`), 'last']);
      expect(readFileSync(file).length).toBeGreaterThan(0);
    });

    it('retained messages survive a kill -9', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'sedge-broker-'));
      closers.push(() => rmSync(folder, { recursive: true }));
      const { child, port } = await start(join(folder, 'sessions'));
      await run('mosquitto_pub', ['-p', port, '-V', version, '-q', '1', '-r', '-t', 'r', '-m', 'kept']);

      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      const again = await start(join(folder, 'sessions'));
      const { stdout } = await run('mosquitto_sub', [
        '-p',
        again.port,
        '-V',
        version,
        '-t',
        '#',
        '-C',
        '1',
        '-W',
        '10',
      ]);

      expect(stdout).toBe('kept\n');
    });

    it('are refused with their own words, and cannot subscribe to what they may not', async () => {
      const host = await new BrokerHost({
        u: { password: 'p', publish: ['in'], subscribe: ['out'] },
      }).start();
      closers.push(() => host.stop());
      const at = ['-p', String(host.port), '-V', version, '-u', 'u'];

      const wrong = await complaint('mosquitto_pub', [...at, '-P', 'x', '-t', 'in', '-m', 'x']);
      const filter = await complaint('mosquitto_sub', [...at, '-P', 'p', '-t', 'in', '-W', '5']);
      await run('mosquitto_pub', [...at, '-P', 'p', '-q', '2', '-t', 'in', '-m', 'x']);

      expect(wrong).toMatch(/bad user name or password|not authori[sz]ed/i);
      expect(filter).toMatch(/denied|all subscription requests/i);
      expect(host.taken.map(({ topic }) => topic)).toEqual(['in']);
    });
  },
);

describe.skipIf(!installed)('mosquitto with MQTT 5 properties (skipped without mosquitto-clients)', () => {
  it('asks and is answered', async () => {
    const host = await new BrokerHost().start();
    closers.push(() => host.stop());
    const at = ['-p', String(host.port), '-V', '5'];
    const asked = run('mosquitto_sub', [...at, '-t', 'ask', '-C', '1', '-W', '10', '-F', '%R %D %C %P %p']);
    while (host.clients === 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 300));

    const properties = [
      ['response-topic', 'answer'],
      ['correlation-data', 'seven'],
      ['content-type', 'text'],
      ['user-property', 'room', '7'],
    ].flatMap((property) => ['-D', 'publish', ...property]);
    await run('mosquitto_pub', [...at, '-q', '1', '-t', 'ask', '-m', 'x', ...properties]);

    expect((await asked).stdout.trim()).toBe('answer seven text room:7 x');
  });
});
