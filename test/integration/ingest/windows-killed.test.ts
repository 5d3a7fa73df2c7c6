import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LedgerJson } from '#agent/api/contract.ts';
import { AgentProcess } from '#agent/host/agent-process.ts';
import { freePort } from '#test/support/free-port.ts';
import { until } from '#test/support/until.ts';
import { linesOnce } from '#test/support/lines-once.ts';

let folder: string;
let agent: AgentProcess;
let client: mqtt.MqttClient;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-windows-'));
});
afterEach(async () => {
  await client.endAsync(true);
  await agent.kill();
  rmSync(folder, { recursive: true, force: true });
});

const machines = 5;
/** Event time between two messages of one machine. */
const stepMs = 100;
const epochMs = Date.UTC(2026, 0, 1);

interface Line {
  readonly epoch: string;
  readonly stream: string;
  readonly offset: number;
  readonly time: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, number | string | boolean>>;
}

/** As it was read last. */
let read: { readonly file: string; readonly bytes: number; readonly lines: readonly Line[] } | null = null;

/** What the uplink wrote, each offset once; read anew when there is more of it, for some look every few milliseconds. */
function delivered(): readonly Line[] {
  const file = join(folder, 'out.ndjson');
  if (!existsSync(file)) return [];
  const bytes = statSync(file).size;
  if (read?.file !== file || read.bytes !== bytes) read = { file, bytes, lines: linesOnce(file) };
  return read.lines;
}

function configure(port: number, every: string): void {
  writeFileSync(
    join(folder, 'sedge.yaml'),
    `agent: { id: gw, data: ${join(folder, 'data')} }
sources: { sensors: { type: broker, listen: "127.0.0.1:${port}" } }
streams:
  line:
    from: [sensors]
    match: "line/{machine}"
    decode: { format: json, time: ts, time_unit: ms }
    stages:
      - window: { every: ${every}, by: machine, fields: [v], emit: [count, sum, min, max, p99], idle: 1h, into: line_10s }
      - window: { session: 30s, fields: [v], emit: [count, sum], idle: 1h, into: line_sessions }
      - sketch: { every: 1m, fields: [v], idle: 1h }
uplinks: { out: { type: file, path: ${join(folder, 'out.ndjson')} } }
api: { listen: "127.0.0.1:0" }
`,
  );
}

/** MQTT.js sends again without DUP, against MQTT-3.3.1-1; a message without it is another one that looks alike. */
class DupStore extends mqtt.Store {
  readonly #kept = new Map<number, mqtt.Packet>();

  override put(packet: mqtt.Packet, done: () => void): this {
    this.#kept.set(packet.messageId!, packet);
    return super.put(packet, done);
  }

  override createStream(): ReturnType<mqtt.Store['createStream']> {
    for (const packet of this.#kept.values()) if (packet.cmd === 'publish') packet.dup = true;
    return super.createStream();
  }

  override del(...parameters: Parameters<mqtt.Store['del']>): this {
    this.#kept.delete(parameters[0].messageId!);
    return super.del(...parameters);
  }
}

async function connect(port: number): Promise<void> {
  client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    clientId: 'sensors',
    clean: false,
    reconnectPeriod: 20,
    outgoingStore: new DupStore(),
  });
  await until('the client to connect', () => client.connected);
}

const published = new Map<string, { count: number; sum: number; min: number; max: number }>();
let acknowledged = 0;
/** The embedded broker knows the last 512 messages of a client again. */
const inFlightMax = 400;

/** Message `i` of all; the value says which it is. */
function publish(i: number): void {
  const machine = `m${i % machines}`;
  const ts = epochMs + Math.floor(i / machines) * stepMs;
  const start = Math.floor(ts / 10_000) * 10_000;
  const key = `${machine} ${new Date(start).toISOString()}`;
  const sums = published.get(key) ?? { count: 0, sum: 0, min: Infinity, max: -Infinity };
  sums.count++;
  sums.sum += i;
  sums.min = Math.min(sums.min, i);
  sums.max = Math.max(sums.max, i);
  published.set(key, sums);
  client.publish(`line/${machine}`, JSON.stringify({ ts, v: i }), { qos: 1 }, () => acknowledged++);
}

const windows = (lines: readonly Line[], stream: string): readonly Line[] =>
  lines.filter((line) => line.stream === stream);

it('windows that were open at a kill -9 end with the sums of what was published', async () => {
  published.clear();
  acknowledged = 0;
  const port = await freePort();
  configure(port, '10s');
  agent = new AgentProcess({ config: join(folder, 'sedge.yaml') });
  await agent.start();
  await connect(port);
  const total = 6000;
  const kills = 4;

  for (let kill = 0; kill <= kills; kill++) {
    const from = (kill * total) / (kills + 1);
    const flood = (async () => {
      for (let i = from; i < from + total / (kills + 1); i++) {
        if (i - acknowledged >= inFlightMax) await until('room', () => i - acknowledged < inFlightMax);
        publish(i);
      }
    })();
    // In the middle of the flood, and of every window.
    await until('some to be acknowledged', () => acknowledged > from + 150 + 137 * kill);
    if (kill < kills) {
      await agent.kill();
      await agent.start();
    }
    await flood;
  }
  await until('all to be acknowledged', () => acknowledged === total);
  // One more of each machine closes what is open.
  const open = published.size;
  for (let machine = 0; machine < machines; machine++)
    client.publish(`line/m${machine}`, JSON.stringify({ ts: epochMs + 3_600_000, v: 0 }), { qos: 1 });
  await until('all windows to arrive', () => windows(delivered(), 'line_10s').length >= open);
  await until('the sessions to arrive', () => windows(delivered(), 'line_sessions').length >= machines);
  await until('the sketches to arrive', () => windows(delivered(), 'line_sketch').length >= 2 * machines);
  await until('the readings to arrive', () => windows(delivered(), 'line').length >= total + machines);

  const lines = delivered();
  const raw = windows(lines, 'line').map(({ values }) => values['v']);
  expect(raw.length - machines, 'each message is stored once').toBe(total);
  for (const { tags, time, values } of windows(lines, 'line_10s')) {
    const { count, sum, min, max } = published.get(`${tags['machine']} ${time}`)!;
    expect(values).toMatchObject({
      'v.count': count,
      'v.sum': sum,
      'v.min': min,
      'v.max': max,
      // The 99th of 100 values.
      'v.p99': max - machines,
    });
  }
  for (const { tags, values } of windows(lines, 'line_sessions')) {
    const machine = Number(tags['machine']!.slice(1));
    const count = total / machines;
    expect(values).toMatchObject({
      'v.count': count,
      'v.sum': count * machine + (machines * count * (count - 1)) / 2,
    });
  }
  expect(windows(lines, 'line_sketch')).toHaveLength(2 * machines);
  expect(agent.output).toContain('go on: 0:window, 1:window, 2:sketch');
});

it('windows go on over a clean stop, and are given out as they stand where their stage is changed or taken out', async () => {
  published.clear();
  acknowledged = 0;
  const port = await freePort();
  configure(port, '10s');
  agent = new AgentProcess({ config: join(folder, 'sedge.yaml') });
  await agent.start();
  await connect(port);
  for (let i = 0; i < 100; i++) publish(i);
  await until('all to be acknowledged', () => acknowledged === 100);

  await agent.stop();
  await agent.start();
  for (let i = 100; i < 200; i++) publish(i);
  await until('all to be acknowledged', () => acknowledged === 200);
  configure(port, '20s');
  agent.signal('SIGHUP');
  await until('the reload', () => agent.output.includes('reloaded'));
  // Before any reading comes: what was given out is stored with the state that lacks it.
  await until('the windows that were cut short', () => windows(delivered(), 'line_10s').length === machines);
  await agent.kill();
  await agent.start();
  for (let i = 200; i < 300; i++) publish(i);
  await until('all to be acknowledged', () => acknowledged === 300);
  await agent.kill();
  // Changed while the agent is away.
  configure(port, '30s');
  await agent.start();
  await until('the windows cut short again', () => windows(delivered(), 'line_10s').length === 2 * machines);
  for (let i = 300; i < 400; i++) publish(i);
  await until('all to be acknowledged', () => acknowledged === 400);
  for (let machine = 0; machine < machines; machine++)
    client.publish(`line/m${machine}`, JSON.stringify({ ts: epochMs + 3_600_000, v: 0 }), { qos: 1 });
  await until('the windows to arrive', () =>
    ['line_sessions', 'line_10s'].every(
      (stream) => windows(delivered(), stream).length >= (stream === 'line_10s' ? 3 : 1) * machines,
    ),
  );

  const lines = delivered();
  expect(windows(lines, 'line_sessions').map(({ values }) => values['v.count'])).toEqual([
    80, 80, 80, 80, 80,
  ]);
  const told = windows(lines, 'line_10s').map(({ values }) => [
    values['v.count'],
    values['window.partial'] ?? false,
  ]);
  const each = (count: number, partial: boolean): [number, boolean][] =>
    Array.from({ length: machines }, () => [count, partial]);
  expect(told).toEqual([...each(40, true), ...each(20, true), ...each(20, false)]);

  // The whole stream goes, with 400 readings and one far ahead in its windows.
  const sketches = windows(delivered(), 'line_sketch').length;
  writeFileSync(
    join(folder, 'sedge.yaml'),
    readFileSync(join(folder, 'sedge.yaml'), 'utf8').replace(
      /^streams:[^]*^uplinks/m,
      'streams: {}\nuplinks',
    ),
  );
  agent.signal('SIGHUP');
  await until('the sketches of what was open', () => windows(delivered(), 'line_sketch').length > sketches);
  await until('the windows of what was open', () => windows(delivered(), 'line_10s').length === 4 * machines);
  await agent.kill();
  const { listen } = await agent.start();
  const ledger = (await (await fetch(`http://${listen['api']}/v1/ledger`)).json()) as LedgerJson;
  expect(ledger.balanced).toBe(true);
  expect(ledger.streams.find(({ stream }) => stream === 'line_10s')?.received).toBe(4 * machines);
}, 180_000);

it('results that take the place of readings balance in the ledger', async () => {
  const port = await freePort();
  configure(port, '10s');
  const file = join(folder, 'sedge.yaml');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(
      / {6}- window.*\n {6}- window.*\n/,
      '      - window: { every: 1s, out_of_order: 0s, idle: 2s }\n',
    ),
  );
  agent = new AgentProcess({ config: file });
  const { listen } = await agent.start();
  await connect(port);
  acknowledged = 0;
  for (let i = 0; i < 200; i++) publish(i);
  await until('all to be acknowledged', () => acknowledged === 200);
  // Silence closes the last windows.
  await until('the windows to arrive', () => windows(delivered(), 'line').length === 4 * machines);

  const ledger = (await (await fetch(`http://${listen['api']}/v1/ledger`)).json()) as LedgerJson;
  expect(ledger.balanced).toBe(true);
  expect(ledger.streams.find(({ stream }) => stream === 'line')).toMatchObject({
    received: 220,
    filtered: [{ rule: '0:window', count: 200 }],
  });
});
