import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LedgerJson, LedgerStreamJson } from '#agent/api/contract.ts';
import { Prng } from '#agent/base/prng.ts';
import { AgentProcess } from '#agent/host/agent-process.ts';
import { type FloodMessage, FloodPublisher } from '#agent/host/flood-publisher.ts';
import type { AnswerJson, FigureJson } from '#agent/query/answer.ts';
import { freePort } from '#test/support/free-port.ts';
import { fuzzSeed } from '#test/support/fuzz-seed.ts';
import { pause, until, untilGood } from '#test/support/until.ts';
import { linesOnce } from '#test/support/lines-once.ts';

/** Three messages of four are readings of a line, in windows; the fourth is a sample of a vibration. */
const total = 24_000;
const machines = 8;
const kills = 6;
/** In the middle of the drain. */
const drainKills = 2;
/** Samples of a block of vibration. */
const block = 16;
/** Beside each reading, so that a flood of seconds is more than the buffer holds. */
const noiseBytes = 4_096;
const epochMs = Date.UTC(2026, 0, 1);
/** The last of all, one for each machine: long after the others, so that the open windows end. */
const closing = machines;

const noise = noiseText(1 << 20);

interface Line {
  readonly epoch: string;
  readonly stream: string;
  readonly fidelity: string;
  readonly offset: number;
  readonly until?: number;
  readonly count?: number;
  readonly time: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, number>>;
}

let folder: string;
let agent: AgentProcess;
let publisher: FloodPublisher | null = null;
let api = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-coarse-'));
});
afterEach(async () => {
  publisher?.stop();
  await agent.kill();
  rmSync(folder, { recursive: true, force: true });
});

function noiseText(length: number): string {
  const random = new Prng(1);
  let text = '';
  while (text.length < length) text += random.uint32().toString(36);
  return text;
}

/** Message `sequence`, the same whenever it is asked for: what is sent again is the same to the byte. */
function message(sequence: number): FloodMessage {
  const nth = Math.floor(sequence / 4);
  if (sequence % 4 === 3 && sequence < total - closing) {
    // Of block b of a machine, b + 1 up and b + 1 down in turn: the root of the mean square is b + 1.
    const sample = Math.floor(nth / machines);
    const value = (Math.floor(sample / block) + 1) * (sample % 2 === 0 ? 1 : -1);
    return { topic: `vib/m${nth % machines}`, payload: `{"ts":${epochMs + sample * 10},"v":${value}}` };
  }
  const { machine, ts } = placeOf(sequence);
  const at = (sequence * 4_099) % (noise.length - noiseBytes);
  const text = noise.slice(at, at + noiseBytes);
  return { topic: `line/m${machine}`, payload: `{"ts":${ts},"v":${sequence},"text":"${text}"}` };
}

function placeOf(sequence: number): { machine: number; ts: number } {
  if (sequence >= total - closing) return { machine: total - 1 - sequence, ts: epochMs + 36_000_000 };
  const nth = sequence - Math.ceil(sequence / 4);
  return { machine: nth % machines, ts: epochMs + Math.floor(nth / machines) * 100 };
}

const isLine = (sequence: number): boolean => sequence % 4 !== 3 || sequence >= total - closing;

/** What all of it comes to. */
function expected() {
  const line = { count: 0, sum: 0 };
  const windows = new Map<string, { count: number; sum: number }>();
  for (let sequence = 0; sequence < total; sequence++) {
    if (!isLine(sequence)) continue;
    line.count++;
    line.sum += sequence;
    if (sequence >= total - closing) continue;
    const { machine, ts } = placeOf(sequence);
    const key = `m${machine} ${new Date(Math.floor(ts / 10_000) * 10_000).toISOString()}`;
    const window = windows.get(key) ?? { count: 0, sum: 0 };
    windows.set(key, { count: window.count + 1, sum: window.sum + sequence });
  }
  const samples = total - line.count;
  const blocks = new Map<string, number[]>();
  for (let machine = 0; machine < machines; machine++) {
    const own = Math.floor(samples / machines) + (machine < samples % machines ? 1 : 0);
    blocks.set(
      `m${machine}`,
      Array.from({ length: Math.floor(own / block) }, (_, b) => b + 1),
    );
  }
  return { line, samples, windows, blocks };
}

/** With `drained`, the line's uplink comes: what the ladder made of it leaves. */
function configure(port: number, drained: boolean): void {
  const file = (name: string, streams: string): string =>
    `  ${name}: { type: file, path: ${join(folder, `${name}.ndjson`)}, streams: [${streams}] }\n`;
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
      - window: { every: 10s, by: machine, fields: [v], emit: [count, sum], idle: 1h, into: windows }
  vib:
    from: [sensors]
    match: "vib/{machine}"
    decode: { format: json, time: ts, time_unit: ms }
    stages:
      - vibration: { field: v, sample_rate: 100, block: ${block}, into: figures }
buffer: { size: 32MiB, keep_free: 0%, when_full: coarsen, seal: { readings: 256 } }
uplinks:
${file('figures', 'windows, figures')}${drained ? file('line', 'line') : ''}api: { listen: "127.0.0.1:0" }
`,
  );
}

async function start(): Promise<void> {
  const { listen } = await agent.start();
  api = `http://${listen['api']}`;
}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`${api}${path}`);
  expect(response.status, path).toBe(200);
  return (await response.json()) as T;
}

async function account(stream: string): Promise<LedgerStreamJson | undefined> {
  const { streams, balanced } = await get<LedgerJson>('/v1/ledger');
  expect(balanced).toBe(true);
  return streams.find((one) => one.stream === stream);
}

/** Bytes that an uplink wrote. */
function written(name: string): number {
  return statSync(join(folder, `${name}.ndjson`), { throwIfNoEntry: false })?.size ?? 0;
}

/** Each line once: an uplink that was killed may send what it had sent. */
function delivered(name: string): Line[] {
  return linesOnce(join(folder, `${name}.ndjson`));
}

async function answered(): Promise<{ count: number; sum: number }> {
  const { rows, coverage } = await get<AnswerJson>(
    `/v1/query?q=${encodeURIComponent('count(v), sum(v) of line')}`,
  );
  const figures = rows[0]!.cells as readonly FigureJson[];
  for (const { value, low, high } of figures) expect([low, high]).toEqual([value, value]);
  expect(coverage.lost).toBe(0);
  return { count: figures[0]!.value!, sum: figures[1]!.value! };
}

test(
  `an agent that is killed while windows, vibration, roll-ups and the ladder are at work keeps sums and counts, and drains them through further kills (seed ${fuzzSeed()})`,
  { timeout: 600_000 },
  async () => {
    const random = new Prng(fuzzSeed());
    const port = await freePort();
    configure(port, false);
    agent = new AgentProcess({ config: join(folder, 'sedge.yaml') });
    await start();
    // Below what the embedded broker knows again of a client.
    const flood = { host: '127.0.0.1', port, clientId: 'sensors', total, window: 400, message };
    publisher = new FloodPublisher(flood);
    publisher.start();
    const coarsened: number[] = [];
    for (let kill = 0; kill < kills; kill++) {
      // The ladder begins with about half of the flood.
      const share = 0.3 + (0.7 * (kill + random.float())) / kills;
      await until(`kill ${kill}`, () => publisher!.acknowledgedCount >= share * total);
      await pause(random.below(50));
      coarsened.push((await account('line'))?.coarsened.readings ?? 0);
      await agent.kill();
      await start();
    }
    await publisher.finished();
    await agent.kill();
    configure(port, true);
    await start();

    const wanted = expected();
    const { line, samples } = wanted;
    // The ladder was at work in the lives that ended, not in the last alone.
    expect(new Set(coarsened.filter((readings) => readings > 0)).size).toBeGreaterThan(kills / 2 - 1);
    expect(await answered()).toEqual(line);
    expect(await account('line')).toMatchObject({ received: line.count, filtered: [], dropped: [] });
    expect(await account('vib')).toMatchObject({
      received: samples,
      filtered: [{ rule: '0:vibration', count: samples }],
    });

    for (let kill = 0; kill < drainKills; kill++) {
      const before = written('line');
      await until('some to drain', () => written('line') > before);
      await pause(random.below(50));
      await agent.kill();
      await start();
    }
    await untilGood(
      'all to drain',
      () => account('line'),
      (drained) => drained?.buffered === 0,
    );
    await untilGood(
      'all windows and figures to drain',
      async () => [await account('windows'), await account('figures')],
      (drained) => drained.every((one) => one !== undefined && one.received > 0 && one.buffered === 0),
    );

    checkLine(delivered('line'), line);
    checkResults(delivered('figures'), wanted);
    // What left is answered from what was summed up.
    expect(await answered()).toEqual(line);
  },
);

/** Readings and summaries together: each reading once. */
function checkLine(lines: readonly Line[], wanted: { count: number; sum: number }): void {
  const found = { count: 0, sum: 0 };
  let next = 0;
  for (const { offset, fidelity, values, until: end = offset + 1, count = 1 } of lines.toSorted(
    (a, b) => a.offset - b.offset,
  )) {
    expect(offset, 'no line covers an offset').toBeLessThanOrEqual(next);
    next = Math.max(next, end);
    found.count += count;
    found.sum += values[fidelity === 'raw' ? 'v' : 'v_sum']!;
  }
  expect(found).toEqual(wanted);
  expect(next).toBe(wanted.count);
  expect(lines.some(({ fidelity }) => fidelity !== 'raw')).toBe(true);
}

function checkResults(lines: readonly Line[], { windows, blocks }: ReturnType<typeof expected>): void {
  const of = (stream: string): Line[] => lines.filter((one) => one.stream === stream);
  const found = of('windows').map(({ tags, time, values }): [string, object] => [
    `${tags['machine']} ${time}`,
    { count: values['v.count'], sum: values['v.sum'] },
  ]);
  expect(found).toHaveLength(windows.size);
  expect(new Map(found)).toEqual(windows);
  const figures = Map.groupBy(of('figures'), ({ tags }) => tags['machine']!);
  expect(figures.size).toBe(blocks.size);
  for (const [machine, wanted] of blocks) {
    const rms = figures.get(machine)!.map(({ values }) => Number(values['v.rms']!.toFixed(6)));
    expect(
      rms.toSorted((a, b) => a - b),
      machine,
    ).toEqual(wanted);
  }
}
