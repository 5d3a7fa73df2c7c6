import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerJson, PageJson, StatusJson, TailJson } from '#agent/api/contract.ts';
import { KiB, MiB } from '#agent/base/units.ts';
import { AgentProcess } from '#agent/host/agent-process.ts';
import { untilGood } from '#test/support/until.ts';

let folder: string;
let agent: AgentProcess;
let listen: Readonly<Record<string, string>>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-http-'));
  const file = join(folder, 'sedge.yaml');
  writeFileSync(
    file,
    `agent: { id: gw, data: ${join(folder, 'data')} }
sources: { push: { type: http, listen: "127.0.0.1:0" } }
streams:
  s: { from: [push], match: "s/{machine}", decode: { format: json } }
  t: { from: [push], match: "t", decode: { format: json, time: ts, time_unit: ms, tags: [machine], readings: all } }
api: { listen: "127.0.0.1:0" }
`,
  );
  agent = new AgentProcess({ config: file });
  ({ listen } = await agent.start());
});
afterEach(async () => {
  await agent.kill();
  rmSync(folder, { recursive: true, force: true });
});

async function post(
  topic: string,
  body: string,
  type = 'application/json',
): Promise<{ code: number; text: string }> {
  const url = `http://${listen['source:push']}/v1/ingest/${topic}`;
  const answer = await fetch(url, { method: 'POST', body, headers: { 'content-type': type } });
  return { code: answer.status, text: await answer.text() };
}

const told = async <T>(path: string): Promise<T> =>
  (await (await fetch(`http://${listen['api']}${path}`)).json()) as T;

describe('an agent that is posted to', () => {
  it('stores a body of many lines whole, far beyond what one payload may be', async () => {
    const lines = 60_000;
    const body = Array.from(
      { length: lines },
      (_, i) => `{"temp":${i / 8},"pressure":${1_000 + (i % 50)},"name":"sensor ${i % 7}"}\n`,
    ).join('');
    expect(body.length).toBeGreaterThan(2 * MiB);

    expect(await post('s', body, 'application/x-ndjson')).toEqual({ code: 204, text: '' });

    const ledger = await told<LedgerJson>('/v1/ledger');
    expect(ledger.streams.find(({ stream }) => stream === 's')).toMatchObject({
      received: lines,
      buffered: lines,
    });
    expect(ledger.balanced).toBe(true);
    const refused = await post('s', body);
    expect(refused).toMatchObject({ code: 400 });
    expect(refused.text).toContain('at most 524288 are decoded');
  });

  it("reads lines by the stream's own options, whatever format the content type names", async () => {
    const line = (ts: number, v: number): string => `{"all":[{"ts":${ts},"machine":"m1","v":${v}}]}\n`;

    expect((await post('t', line(1_000, 1) + line(2_000, 2), 'application/x-ndjson')).code).toBe(204);
    const csv = await post('t', 'ts,machine,v\n3000,m2,3\n', 'text/csv');

    expect(csv.code, csv.text).toBe(204);
    const { readings } = await told<PageJson>('/v1/streams/t/readings?from=0&count=10');
    expect(readings.map(({ time, tags, values }) => ({ time, tags, values }))).toEqual([
      { time: '1970-01-01T00:00:01.000Z', tags: { machine: 'm1' }, values: { v: 1 } },
      { time: '1970-01-01T00:00:02.000Z', tags: { machine: 'm1' }, values: { v: 2 } },
      { time: '1970-01-01T00:00:03.000Z', tags: { machine: 'm2' }, values: { v: 3 } },
    ]);
  });

  it('answers 413 to what can never be stored, whole, and 204 to what just can', async () => {
    const line = (length: number): string => `{"text":"${'x'.repeat(length)}"}\n`;
    // What a row takes beside the text: 35 bytes in the row, and the name.
    const most = 256 * KiB - 40;

    expect((await post('s', line(most))).code).toBe(204);
    const refused = await post('s', line(10) + line(256 * KiB) + line(10), 'application/x-ndjson');

    expect(refused.code).toBe(413);
    expect((JSON.parse(refused.text) as { error: { message: string } }).error.message).toMatch(
      /^reading 2 of 3 takes 2621\d\d bytes encoded, at most 262144 can be stored, and nothing of the body was stored in s: /,
    );
    const ledger = await told<LedgerJson>('/v1/ledger');
    expect(ledger.streams.find(({ stream }) => stream === 's')).toMatchObject({
      received: 2,
      buffered: 1,
      filtered: [{ rule: 'oversize', count: 1 }],
    });
  });

  it('knows its streams before the first reading comes', async () => {
    const { streams } = await told<StatusJson>('/v1/status');
    const page = await told<PageJson>('/v1/streams/s/readings?from=0&count=10');
    const tail = await told<TailJson>('/v1/streams/t/tail');

    expect(streams.map(({ name, received, clock }) => [name, received, clock.source])).toEqual([
      ['s', 0, 'arrival'],
      ['t', 0, 'device'],
    ]);
    expect(page).toMatchObject({ readings: [], next: null });
    expect(tail).toEqual({ stream: 't', readings: [] });
  });

  it('accounts for messages that no stream takes, and says so', async () => {
    expect((await post('s/1', '{"v":1}')).code).toBe(204);
    expect((await told<StatusJson>('/v1/status')).unrouted).toBeNull();

    for (const topic of ['plant/x', 'plant/y']) expect((await post(topic, '{"v":1}')).code).toBe(404);

    // Status is given again for a quarter of a second.
    const { unrouted } = await untilGood(
      'a new status',
      () => told<StatusJson>('/v1/status'),
      (status) => status.unrouted !== null,
    );
    expect(unrouted).toEqual({ messages: 2, topic: 'plant/y', source: 'push' });
    const ledger = await told<LedgerJson>('/v1/ledger');
    expect(ledger.balanced).toBe(true);
    // Two that were filtered, and their samples.
    expect(ledger.streams.find(({ stream }) => stream === '_dead_letter')).toMatchObject({
      received: 4,
      buffered: 2,
      filtered: [{ rule: 'unrouted', count: 2 }],
    });
  });
});
