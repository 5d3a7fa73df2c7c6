import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AgentProcess, selfCommand } from '#agent/host/agent-process.ts';
import type { AnswerJson } from '#agent/query/answer.ts';
import { figure, rowOf } from '#test/support/ask-store.ts';
import { httpReceiver, type TestReceiver } from './query-receiver.ts';

interface Asked {
  folder: string;
  agent: AgentProcess;
  api: string;
  receiver: TestReceiver;
}

const start = Date.parse('2026-11-21T08:00:00Z');
const values = Array.from({ length: 600 }, (_, i) => (i * 37) % 600);

let asked: Asked;

beforeAll(async () => {
  asked = await withReadings();
});

afterAll(async () => {
  await asked.agent.stop();
  await leave(asked);
});

/** An agent that keeps the readings of one stream and has delivered those of another. */
async function withReadings(): Promise<Asked> {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-query-'));
  const receiver = await httpReceiver();
  const listen = { push: '127.0.0.1:0', api: '127.0.0.1:0' };
  write(folder, receiver, listen);
  const agent = new AgentProcess({ config: join(folder, 'sedge.yaml') });
  const bound = (await agent.start()).listen;
  listen.push = bound['source:push']!;
  listen.api = bound['api']!;
  write(folder, receiver, listen);
  for (const stream of ['kept', 'sent']) {
    const lines = values.map((value, i) =>
      JSON.stringify({ ts: start + i * 1_000, line: i % 2 === 0 ? 'a' : 'b', v: value }),
    );
    const answer = await fetch(`http://${listen.push}/v1/ingest/${stream}`, {
      method: 'POST',
      body: `${lines.join('\n')}\n`,
    });
    expect(answer.status).toBe(204);
  }
  await receiver.received(600);
  return { folder, agent, api: listen.api, receiver };
}

async function leave({ folder, receiver }: Asked): Promise<void> {
  await receiver.close();
  rmSync(folder, { recursive: true });
}

function write(folder: string, receiver: TestReceiver, listen: { push: string; api: string }): void {
  writeFileSync(
    join(folder, 'sedge.yaml'),
    `agent: { id: gw, data: ${join(folder, 'data')} }
sources: { push: { type: http, listen: "${listen.push}" } }
streams:
  kept: { from: [push], match: kept, decode: { format: ndjson, time: ts, time_unit: ms, tags: [line] } }
  sent: { from: [push], match: sent, decode: { format: ndjson, time: ts, time_unit: ms, tags: [line] } }
uplinks: { cloud: { type: http, url: "${receiver.url}", streams: [sent] } }
api: { listen: "${listen.api}" }
`,
  );
}

async function sedge(
  { folder }: Asked,
  ...words: string[]
): Promise<{ out: string; error: string; code: number }> {
  const [command, ...leading] = selfCommand();
  const child = spawn(command, [...leading, ...words], { cwd: folder });
  let out = '';
  let error = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()));
  const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? -1)));
  return { out, error, code };
}

const question =
  'count(), sum(v), p99(v), top(v, 2) by stream, line from 2026-11-21T08:00:00Z until 2026-11-21T08:10:00Z';
const sums = 'count(), sum(v), p99(v) by stream';

function expectSums(answer: AnswerJson): void {
  for (const stream of ['kept', 'sent']) {
    const row = rowOf(answer, stream);
    expect(figure(row, 0).value).toBe(600);
    expect(figure(row, 1).value).toBe((599 * 600) / 2);
    const { low, high } = figure(row, 2);
    expect(low).toBeLessThanOrEqual(593);
    expect(high).toBeGreaterThanOrEqual(593);
  }
}

it('answers about what is kept and what was delivered already, with bounds', async () => {
  const { out, code } = await sedge(asked, 'query', sums, '--json');

  expect(code).toBe(0);
  const answer = JSON.parse(out) as AnswerJson;
  expectSums(answer);
  expect(answer.coverage.complete).toBe(true);
  expect(answer.coverage.readings.sketch).toBeGreaterThan(0);
});

it('prints a table for people, and what it stands on', async () => {
  const { out } = await sedge(asked, 'query', question.replace('by stream', 'of kept by stream'));

  expect(out).toMatch(/^STREAM +LINE +READINGS +COUNT\(\) +SUM\(V\) +P99\(V\)/);
  expect(out).toMatch(/kept +a +300 +300/);
  expect(out).toMatch(/top\(v, 2\) of kept, b\nITEM/);
  expect(out).toMatch(/600 readings of stream kept: 100 % as they came\n$/);
});

it('answers programs at /v1/query, and says in one line what it can not read', async () => {
  const good = await fetch(`http://${asked.api}/v1/query?q=${encodeURIComponent(sums)}`);
  const bad = await fetch(`http://${asked.api}/v1/query?q=${encodeURIComponent('p99(v by stream')}`);

  expectSums((await good.json()) as AnswerJson);
  expect(bad.status).toBe(400);
  expect(await bad.json()).toMatchObject({
    error: {
      code: 'SEDGE_QUERY_INVALID',
      message: 'expected ")" after the field of p99, but there is "by", at character 7 of the query',
    },
  });
});

it('shows with a caret where a query goes wrong', async () => {
  const { error, code } = await sedge(asked, 'query', 'p99(v) bye stream');

  expect(code).toBe(64);
  expect(error).toBe(
    `sedge: expected one of of, where, by, since, from, until (did you mean by?), but there is "bye", at character 8 of the query
  p99(v) bye stream
         ^
  SEDGE_QUERY_INVALID: a query looks like: p99(value), count() of pump* where line = 'a' by stream since 1h
`,
  );
});

it('shows with a caret which stream there is none of, and the likely meant one', async () => {
  const { error, code } = await sedge(asked, 'query', 'count() of sent, ketp');

  expect(code).toBe(65);
  expect(error).toContain(
    'sedge: there is no stream "ketp" (did you mean kept?), at character 18 of the query\n',
  );
  expect(error).toContain(`\n  count() of sent, ketp\n  ${' '.repeat(17)}^\n  SEDGE_API_NO_STREAM: `);
});

it('notes a field and a tag that no reading has', async () => {
  const { out } = await sedge(asked, 'query', 'sum(vv), max(v) by lime, line');

  expect(out).toContain('\nnote: no reading asked has a field "vv" (did you mean v?)\n');
  expect(out).toContain('\nnote: no reading asked has a tag "lime" (did you mean line?)\n');
  expect(out.match(/note:/g)).toHaveLength(2);
});

it('answers the same from the folder of an agent that has ended', async () => {
  const ended = await withReadings();
  await ended.agent.stop();

  const { out, code } = await sedge(ended, 'query', sums, '--json');

  expect(code).toBe(0);
  expectSums(JSON.parse(out) as AnswerJson);
  await leave(ended);
});
