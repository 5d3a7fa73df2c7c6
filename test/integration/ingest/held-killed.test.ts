import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LedgerJson } from '#agent/api/contract.ts';
import { AgentProcess } from '#agent/host/agent-process.ts';
import { until } from '#test/support/until.ts';
import { run } from '#test/unit/pipeline/pipeline-fixture.ts';
import { linesOnce } from '#test/support/lines-once.ts';

let folder: string;
let agent: AgentProcess;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-held-'));
});
afterEach(async () => {
  await agent.kill();
  rmSync(folder, { recursive: true, force: true });
});

const machines = 5;
const stepMs = 100;
const epochMs = Date.UTC(2026, 0, 1);

/** Stages that hold readings back, by stream. */
const stages = {
  thin: { compress: { field: 'v', deviation: 20, summary: true } },
  calm: { despike: { field: 'v', window: 5, sigmas: 1, mode: 'centred' } },
  smooth: { savgol: { field: 'v', window: 7, order: 2, mode: 'centred' } },
  even: { resample: { every: 250, method: 'linear' } },
} as const;

interface Line {
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly time: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, unknown>>;
}

/** What the uplink wrote of a stream, each offset once. */
function delivered(name: string): readonly Line[] {
  return linesOnce<Line>(join(folder, 'out.ndjson')).filter(({ stream }) => stream === name);
}

it('readings that stages held back at a kill -9 come out as if there had been none', async () => {
  const yaml = Object.entries(stages).map(
    ([name, stage]) =>
      `  ${name}: { from: [push], match: all, decode: { time: ts, time_unit: ms, tags: [machine] }, stages: [${JSON.stringify(stage).replace('250', '250ms')}] }`,
  );
  writeFileSync(
    join(folder, 'sedge.yaml'),
    `agent: { id: gw, data: ${join(folder, 'data')} }
sources: { push: { type: http, listen: "127.0.0.1:0" } }
streams:
${yaml.join('\n')}
uplinks: { out: { type: file, path: ${join(folder, 'out.ndjson')} } }
api: { listen: "127.0.0.1:0" }
`,
  );
  agent = new AgentProcess({ config: join(folder, 'sedge.yaml') });
  let { listen } = await agent.start();
  const readings = Array.from({ length: 400 }, (_, i) => ({
    ts: epochMs + Math.floor(i / machines) * stepMs,
    machine: `m${i % machines}`,
    v: (i * 7919) % 101,
  }));

  for (let from = 0; from < readings.length; from += 16) {
    if (from === 208) {
      await agent.kill();
      ({ listen } = await agent.start());
    }
    const answer = await fetch(`http://${listen['source:push']}/v1/ingest/all`, {
      method: 'POST',
      body: readings
        .slice(from, from + 16)
        .map((reading) => `${JSON.stringify(reading)}\n`)
        .join(''),
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expect(answer.status).toBe(204);
  }

  const plain = readings.map(({ ts, machine, v }) => ({ at: ts / 1000, values: { v }, tags: { machine } }));
  for (const [name, stage] of Object.entries(stages)) {
    const twin = run([stage], plain).out.map(({ tags, at, values }) => [tags!['machine'], at, values]);
    await until(`what ${name} gives out`, () => delivered(name).length >= twin.length);
    const given = delivered(name).map(({ tags, time, values }) => [
      tags['machine'],
      Date.parse(time) / 1000,
      values,
    ]);
    expect(given, name).toEqual(twin);
  }
  const ledger = (await (await fetch(`http://${listen['api']}/v1/ledger`)).json()) as LedgerJson;
  expect(ledger.balanced).toBe(true);
}, 180_000);
