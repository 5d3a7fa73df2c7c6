import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../../support/broker-process.ts', import.meta.url));
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

class Broker {
  readonly lines: Record<string, unknown>[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'sedge-broker-'));
  readonly file = join(this.#folder, 'sessions');
  #child: ChildProcess | null = null;

  constructor() {
    closers.push(() => rmSync(this.#folder, { recursive: true, force: true }));
  }

  get port(): number {
    return this.lines.findLast((line) => 'port' in line)!['port'] as number;
  }

  async start(options: object = {}): Promise<void> {
    const child = spawn(process.execPath, [program, this.file, '0', JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    closers.push(() => child.kill('SIGKILL'));
    const before = this.lines.length;
    let rest = '';
    child.stdout.on('data', (bytes: Buffer) => {
      const parts = (rest + bytes.toString()).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) this.lines.push(JSON.parse(part) as Record<string, unknown>);
    });
    await until(() => this.lines.slice(before).some((line) => 'port' in line));
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const ended = once(this.#child!, 'exit');
    this.#child!.kill(signal);
    await ended;
  }

  async client(options: IClientOptions = {}): Promise<MqttClient> {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${this.port}`, {
      reconnectPeriod: 0,
      ...options,
    });
    client.on('error', () => undefined);
    closers.push(() => client.endAsync(true));
    return client;
  }

  /** A client whose session exists; what it is sent is listed from the first packet on. */
  async back(clientId: string, more: IClientOptions = {}): Promise<{ texts: string[]; client: MqttClient }> {
    const texts: string[] = [];
    const client = mqtt.connect(`mqtt://127.0.0.1:${this.port}`, {
      reconnectPeriod: 0,
      clientId,
      clean: false,
      ...more,
    });
    client.on('error', () => undefined);
    client.on('message', (_topic, payload) => texts.push(payload.toString()));
    closers.push(() => client.endAsync(true));
    await new Promise<void>((resolve) => void client.once('connect', () => resolve()));
    return { texts, client };
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const away = { clientId: 'viewer', clean: false } as const;

describe('the embedded broker, killed -9', () => {
  it.each([1, 2] as const)(
    'keeps what it acknowledged for a subscriber that was away, QoS %i',
    async (qos) => {
      const broker = new Broker();
      await broker.start();
      const viewer = await broker.client(away);
      await viewer.subscribeAsync('a/+', { qos });
      await viewer.endAsync();
      const sensor = await broker.client();
      const count = 200;
      await Promise.all(
        Array.from({ length: count }, (_, i) => sensor.publishAsync(`a/${i % 7}`, `${i}`, { qos })),
      );

      await broker.kill();
      await broker.start();
      const later = await broker.client();
      await later.publishAsync('a/x', 'later', { qos });
      const { texts } = await broker.back('viewer');
      await until(() => texts.length > count);

      expect(texts).toEqual([...Array.from({ length: count }, (_, i) => `${i}`), 'later']);
    },
  );

  it('keeps the retained message of every topic, and no message that was taken away', async () => {
    const broker = new Broker();
    await broker.start();
    const sensor = await broker.client();
    for (const text of ['old', 'new']) await sensor.publishAsync('r/1', text, { qos: 1, retain: true });
    await sensor.publishAsync('r/2', 'gone', { qos: 1, retain: true });
    await sensor.publishAsync('r/2', '', { qos: 1, retain: true });
    await sensor.publishAsync('r/3', 'last', { qos: 1, retain: true });

    await broker.kill();
    await broker.start();
    const texts: string[] = [];
    const viewer = await broker.client();
    viewer.on('message', (_topic, payload, packet) => texts.push(`${packet.retain} ${payload.toString()}`));
    await viewer.subscribeAsync('r/#', { qos: 1 });
    await until(() => texts.length === 2);

    expect(texts.toSorted()).toEqual(['true last', 'true new']);
  });

  it('forgets nothing that a subscriber did not acknowledge, and sends nothing again that it did', async () => {
    const broker = new Broker();
    await broker.start();
    const viewer = await broker.client(away);
    await viewer.subscribeAsync('a', { qos: 1 });
    await viewer.endAsync();
    const sensor = await broker.client();
    await sensor.publishAsync('a', 'one', { qos: 1 });
    const first = await broker.back('viewer');
    await until(() => first.texts.length === 1);
    await first.client.endAsync();
    await sensor.publishAsync('a', 'two', { qos: 1 });

    await broker.kill('SIGTERM');
    await broker.start();
    const second = await broker.back('viewer');
    await until(() => second.texts.length > 0);

    expect([first.texts, second.texts]).toEqual([['one'], ['two']]);
  });

  it('drops a tail that was cut short, says so, and keeps what stood before it', async () => {
    const broker = new Broker();
    await broker.start();
    const viewer = await broker.client(away);
    await viewer.subscribeAsync('a', { qos: 1 });
    await viewer.endAsync();
    await (await broker.client()).publishAsync('a', 'one', { qos: 1 });
    await broker.kill();
    appendFileSync(broker.file, Buffer.from([9, 0, 0, 0, 1, 2, 3]));

    await broker.start();
    const { texts } = await broker.back('viewer');
    await until(() => texts.length === 1);

    expect(broker.lines).toContainEqual({ torn: 7 });
    expect(texts).toEqual(['one']);
  });

  it('writes its file anew before it grows past twice what it says, while messages come', async () => {
    const broker = new Broker();
    await broker.start({ sessionQueueMax: 20 });
    const viewer = await broker.client(away);
    await viewer.subscribeAsync('a', { qos: 1 });
    await viewer.endAsync();
    const sensor = await broker.client();
    const text = (i: number): string => `${i}`.padEnd(20_000, '.');

    // Never much on its way, so that the file grows commit by commit.
    for (let i = 0; i < 400; i += 10)
      await Promise.all(
        Array.from({ length: 10 }, (_, j) => sensor.publishAsync('a', text(i + j), { qos: 1 })),
      );
    await broker.kill();
    const { size } = statSync(broker.file);
    await broker.start({ sessionQueueMax: 20 });
    const { texts } = await broker.back('viewer');
    await until(() => texts.length === 20);

    expect(size).toBeLessThan(4_000_000);
    expect(texts).toEqual(Array.from({ length: 20 }, (_, i) => text(380 + i)));
  });
});
