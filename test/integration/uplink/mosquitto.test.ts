import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterEach, expect, test } from 'vitest';
import { millis } from '#agent/base/units.ts';
import { MqttJsPublisher } from '#agent/host/uplink-mqtt.ts';
import { MqttSink } from '#agent/uplink/sink-mqtt.ts';
import { freePort } from '#test/support/free-port.ts';
import { batchOf } from './sink-compliance.ts';

const mosquitto = ['/usr/sbin/mosquitto', 'mosquitto'].find(
  (path) => spawnSync(path, ['-h']).error === undefined,
);

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function broker(settings: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sedge-mosquitto-'));
  ends.push(() => rm(folder, { recursive: true }));
  const port = await freePort();
  await writeFile(join(folder, 'c.conf'), `listener ${port} 127.0.0.1\n${settings}\n`);
  const child: ChildProcess = spawn(mosquitto!, ['-c', join(folder, 'c.conf')], { stdio: 'ignore' });
  const ended = new Promise((resolve) => void child.once('exit', resolve));
  ends.push(async () => {
    child.kill();
    await ended;
  });
  return `mqtt://127.0.0.1:${port}`;
}

function sinkTo(url: string, more: { username?: string; password?: string } = {}): MqttSink {
  const publisher = new MqttJsPublisher({ url, clientId: 'gw-7-hub', version: '5', ...more });
  const sink = new MqttSink({ topic: 'site/{agent}/{stream}', timeoutMs: millis(30_000) }, { publisher });
  ends.push(() => sink.stop());
  return sink;
}

async function eventually(sink: MqttSink, first: number, count: number): Promise<string> {
  let kind = '';
  await expect
    .poll(async () => (kind = (await sink.send(batchOf('hall/temp', first, count))).kind))
    .not.toBe('later');
  return kind;
}

test.skipIf(mosquitto === undefined)(
  'over MQTT 5 a batch carries agent, epoch, stream, first and count (skipped without mosquitto)',
  async () => {
    const url = await broker('allow_anonymous true');
    const sink = sinkTo(url);
    await sink.start();
    await eventually(sink, 0, 1);
    const listener = await mqtt.connectAsync(url, { protocolVersion: 5 });
    ends.push(() => listener.endAsync(true));
    const message = new Promise<mqtt.IPublishPacket>((resolve) => {
      listener.on('message', (_topic, _payload, packet) => resolve(packet));
    });
    await listener.subscribeAsync('site/#', { qos: 1 });

    const outcome = await sink.send(batchOf('hall/temp', 100, 20));
    const packet = await message;

    expect(outcome.kind).toBe('taken');
    expect(packet.topic).toBe('site/gw-7/hall/temp');
    expect({ ...packet.properties?.userProperties }).toEqual({
      agent: 'gw-7',
      epoch: '5eed5eed5eed5eed',
      stream: 'hall/temp',
      first: '100',
      count: '20',
    });
    expect(packet.payload.toString().trim().split('\n')).toHaveLength(20);
  },
);

test.skipIf(mosquitto === undefined)(
  'a packet above the broker’s Maximum Packet Size is too big before it is sent (skipped without mosquitto)',
  async () => {
    const sink = sinkTo(await broker('allow_anonymous true\nmax_packet_size 2000'));
    await sink.start();

    expect(await eventually(sink, 0, 2)).toBe('taken');
    expect(await eventually(sink, 0, 200)).toBe('too_big');
  },
);

test.skipIf(mosquitto === undefined)(
  'a broker that does not know us makes the readings wait and says why (skipped without mosquitto)',
  async () => {
    const sink = sinkTo(await broker('allow_anonymous false'), {
      username: 'gw-7',
      password: 'not-a-real-one',
    });
    await sink.start();

    await expect.poll(() => sink.send(batchOf('s', 0, 1))).toMatchObject({ denied: true });
    const outcome = await sink.send(batchOf('s', 0, 1));

    expect(outcome).toMatchObject({ kind: 'later', words: expect.stringMatching(/not authorized/i) });
    expect(JSON.stringify(outcome)).not.toContain('not-a-real-one');
  },
);
