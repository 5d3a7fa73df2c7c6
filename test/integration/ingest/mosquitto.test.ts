import mqtt from 'mqtt';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '#test/support/free-port.ts';
import { until } from '#test/support/until.ts';
import type { CommitLine } from './consumer.ts';

const mosquitto = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'].find((path) =>
  existsSync(path),
);
const consumerFile = fileURLToPath(new URL('consumer.ts', import.meta.url));

let folder: string;
let port: number;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-mosquitto-'));
  port = await freePort();
});

afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
  rmSync(folder, { recursive: true, force: true });
});

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function broker(): Promise<ChildProcess> {
  const config = join(folder, 'mosquitto.conf');
  writeFileSync(
    config,
    [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'max_inflight_messages 100',
      'max_queued_messages 0',
      'persistence true',
      `persistence_location ${folder}/`,
      'user root',
    ].join('\n'),
  );
  const child = spawn(mosquitto!, ['-c', config], { stdio: 'ignore' });
  children.push(child);
  await until(
    'mosquitto to listen',
    () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.destroy();
          resolve(true);
        });
        socket.on('error', () => resolve(false));
      }),
  );
  return child;
}

function consumer(version: string, qos: number): ChildProcess {
  const args = [consumerFile, join(folder, 'commits'), `mqtt://127.0.0.1:${port}`, version, String(qos)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  return child;
}

/** Texts of all commits; a last line that a kill cut short is none. */
function stored(): string[] {
  if (!existsSync(join(folder, 'commits'))) return [];
  const lines = readFileSync(join(folder, 'commits'), 'utf8').split('\n');
  return lines.slice(0, -1).flatMap((line) => (line === '' ? [] : (JSON.parse(line) as CommitLine).texts));
}

async function publish(from: number, to: number, qos: 1 | 2): Promise<void> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    reconnectPeriod: 50,
    clean: false,
    clientId: 'publisher',
  });
  const sent: Promise<unknown>[] = [];
  for (let i = from; i < to; i++) sent.push(client.publishAsync('a/1', `reading ${i}`, { qos }));
  await Promise.all(sent);
  await client.endAsync();
}

function subscribed(): Promise<void> {
  // The broker's own list of sessions is not public: a commit of a probe says that the subscription stands.
  return until('the subscription to stand', async () => {
    await publish(-1, 0, 1);
    return stored().length > 0;
  });
}

const total = 3_000;

describe.skipIf(mosquitto === undefined)(
  `with a real mosquitto${mosquitto === undefined ? ' (skipped: mosquitto is not installed)' : ''}`,
  () => {
    it.each([
      ['5', 1],
      ['3.1.1', 1],
      ['5', 2],
    ] as const)(
      'loses nothing and stores nothing twice when an MQTT %s consumer at QoS %i is killed again and again',
      async (version, qos) => {
        await broker();
        let process = consumer(version, qos);
        await subscribed();
        const published = publish(0, total, qos);

        for (const share of [0.1, 0.3, 0.5, 0.7]) {
          await until('the readings to be stored', () => stored().length > total * share);
          await killed(process);
          process = consumer(version, qos);
        }
        await published;
        await until('the readings to be stored', () => new Set(stored()).size >= total + 1);

        const texts = stored().filter((text) => text !== 'reading -1');
        expect(new Set(texts).size).toBe(total);
        expect(texts).toHaveLength(total);
      },
    );

    it('goes on where it was when the broker is restarted', async () => {
      const first = await broker();
      consumer('5', 1);
      await subscribed();
      await publish(0, 500, 1);
      first.kill('SIGTERM');
      await once(first, 'exit');

      await broker();
      await publish(500, 1_000, 1);
      await until('the readings to be stored', () => new Set(stored()).size >= 1_001);

      expect(new Set(stored()).size).toBe(1_001);
    });
  },
);
