import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile, appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { millis } from '#agent/base/units.ts';
import { HostClock } from '#agent/host/clock.ts';
import { NodeHttpClient } from '#agent/host/http-client.ts';
import { Receiver, type ReceiverOptions } from '#agent/host/receiver.ts';
import { NodeAppendFile } from '#agent/host/uplink-file.ts';
import { MqttJsPublisher } from '#agent/host/uplink-mqtt.ts';
import { FileSink } from '#agent/uplink/sink-file.ts';
import { HttpSink, type HttpSinkOptions } from '#agent/uplink/sink-http.ts';
import { MqttSink } from '#agent/uplink/sink-mqtt.ts';
import { type Rig, batchOf, sinkCompliance } from './sink-compliance.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sedge-sink-'));
  ends.push(() => rm(path, { recursive: true }));
  return path;
}

async function startReceiver(options: Partial<ReceiverOptions> = {}): Promise<Receiver & { path: string }> {
  const path = await folder();
  const receiver = new Receiver({ folder: path, listen: '127.0.0.1:0', ...options });
  await receiver.start();
  ends.push(() => receiver.stop());
  return Object.assign(receiver, { path });
}

async function linesIn(path: string): Promise<string[]> {
  const names = (await readdir(path)).filter((name) => name.includes('.ndjson')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(path, name), 'utf8')));
  return texts.join('').split('\n').slice(0, -1);
}

function httpSink(url: string, options: Partial<HttpSinkOptions> = {}): HttpSink {
  const client = new NodeHttpClient({ url, connectionsMax: 8 });
  return new HttpSink(
    { compression: 'auto', headers: {}, timeoutMs: millis(30_000), ...options },
    { client, clock: new HostClock() },
  );
}

sinkCompliance('http', async (): Promise<Rig> => {
  const receiver = await startReceiver();
  return {
    sink: httpSink(receiver.url),
    lines: () => linesIn(receiver.path),
    cut: () => receiver.cut(),
    heal: () => receiver.heal(),
  };
});

sinkCompliance('mqtt', async (): Promise<Rig> => {
  const receiver = await startReceiver({ listenMqtt: '127.0.0.1:0' });
  const publisher = new MqttJsPublisher({
    url: receiver.mqttUrl!,
    clientId: 'gw-7-hub',
    version: '3.1.1',
  });
  return {
    sink: new MqttSink({ topic: 'site/{agent}/{stream}', timeoutMs: millis(30_000) }, { publisher }),
    lines: () => linesIn(receiver.path),
    cut: () => receiver.cut(),
    heal: () => receiver.heal(),
  };
});

sinkCompliance('file', async (): Promise<Rig> => {
  const path = await folder();
  const inside = join(path, 'out');
  const sink = new FileSink(
    { rotateBytes: 4_000, keep: 9 },
    { file: new NodeAppendFile(join(inside, 'readings.ndjson')) },
  );
  return {
    sink,
    lines: async () => {
      const names = (await readdir(inside)).sort().reverse();
      const newestLast = [...names.filter((name) => name !== 'readings.ndjson'), 'readings.ndjson'];
      const texts = await Promise.all(newestLast.map((name) => readFile(join(inside, name), 'utf8')));
      return texts.join('').split('\n').slice(0, -1);
    },
    // A file where the folder should be: no user, root included, can write below it.
    cut: async () => {
      await sink.stop();
      await sink.start();
      await mkdir(join(path, 'aside'));
      for (const name of await readdir(inside)) {
        await writeFile(join(path, 'aside', name), await readFile(join(inside, name)));
      }
      await rm(inside, { recursive: true });
      await writeFile(inside, '');
    },
    heal: async () => {
      await rm(inside);
      await mkdir(inside);
      for (const name of await readdir(join(path, 'aside'))) {
        await writeFile(join(inside, name), await readFile(join(path, 'aside', name)));
      }
      await chmod(inside, 0o755);
    },
  };
});

test('http: a receiver that refuses our coding gets the same batch plain, and is not asked again', async () => {
  const receiver = await startReceiver({ codings: ['gzip'] });
  const sink = httpSink(receiver.url, { compression: 'zstd' });

  const first = await sink.send(batchOf('s', 0, 100));
  const second = await sink.send(batchOf('s', 100, 100));

  expect([first.kind, second.kind]).toEqual(['taken', 'taken']);
  expect(receiver.requests).toBe(3);
  await sink.stop();
});

test('http: without the token nothing is taken and the readings wait, for no batch is to blame', async () => {
  const receiver = await startReceiver({ token: 'right' });
  const wrong = httpSink(receiver.url, { headers: { authorization: 'Bearer wrong' } });
  const right = httpSink(receiver.url, { headers: { authorization: 'Bearer right' } });

  const denied = await wrong.send(batchOf('s', 0, 1));
  const taken = await right.send(batchOf('s', 0, 1));

  expect(denied).toMatchObject({ kind: 'later', denied: true });
  expect(JSON.stringify(denied)).not.toContain('wrong');
  expect(taken.kind).toBe('taken');
  await wrong.stop();
  await right.stop();
});

test('http: a server that does not answer in time means later', async () => {
  const receiver = await startReceiver({ faults: { hang: 1 } });
  const sink = httpSink(receiver.url, { timeoutMs: millis(50) });

  const outcome = await sink.send(batchOf('s', 0, 1));

  expect(outcome).toMatchObject({
    kind: 'later',
    words: expect.stringMatching(/no answer from .* within 0.05 s/),
  });
  await sink.stop();
});

test('mqtt: a broker that knows only 3.1.1 is met again with it', async () => {
  const receiver = await startReceiver({ listenMqtt: '127.0.0.1:0' });
  const publisher = new MqttJsPublisher({ url: receiver.mqttUrl!, clientId: 'gw-7-hub', version: '5' });
  const sink = new MqttSink({ topic: 'site/{agent}/{stream}', timeoutMs: millis(30_000) }, { publisher });
  await sink.start();

  const outcome = await sink.send(batchOf('s', 0, 3));

  expect(outcome.kind).toBe('taken');
  expect(receiver.summary()).toMatchObject([{ received: 3 }]);
  await sink.stop();
});

test('file: a line torn by a crash is cut off before the next batch', async () => {
  const path = join(await folder(), 'readings.ndjson');
  await writeFile(path, '{"offset":0}\n{"offset":1}\n');
  await appendFile(path, '{"offs');
  const sink = new FileSink({ rotateBytes: 1e6, keep: 1 }, { file: new NodeAppendFile(path) });
  await sink.start();

  await sink.send(batchOf('s', 2, 1));

  const lines = (await readFile(path, 'utf8')).split('\n');
  expect(lines.slice(0, 2)).toEqual(['{"offset":0}', '{"offset":1}']);
  expect(JSON.parse(lines[2]!)).toMatchObject({ offset: 2 });
  await sink.stop();
});

test('file: of the rotated files only as many as asked for are kept', async () => {
  const path = await folder();
  const sink = new FileSink(
    { rotateBytes: 300, keep: 2 },
    { file: new NodeAppendFile(join(path, 'r.ndjson')) },
  );
  await sink.start();

  for (let i = 0; i < 6; i++) await sink.send(batchOf('s', i * 4, 4));

  expect((await readdir(path)).sort()).toEqual(['r.ndjson', 'r.ndjson.1', 'r.ndjson.2']);
  expect(await readFile(join(path, 'r.ndjson.1'), 'utf8')).toContain('"offset":16');
  await sink.stop();
});
