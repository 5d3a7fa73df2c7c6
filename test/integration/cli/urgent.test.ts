import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LedgerJson } from '#agent/api/contract.ts';
import { AgentProcess } from '#agent/host/agent-process.ts';
import { until } from '#test/support/until.ts';

let folder: string;
let agent: AgentProcess;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-urgent-'));
});
afterEach(async () => {
  await agent.kill();
  rmSync(folder, { recursive: true, force: true });
});

it('takes alarms and answers them while the buffer is full for everything else', async () => {
  const config = join(folder, 'sedge.yaml');
  writeFileSync(
    config,
    `agent: { id: gw, data: ${join(folder, 'data')} }
sources:
  push: { type: http, listen: "127.0.0.1:0" }
streams:
  telemetry: { from: [push], match: "telemetry", decode: { format: json } }
  alarm: { from: [push], match: "alarm", decode: { format: json }, priority: 9 }
buffer: { size: 32MiB, when_full: block }
api: { listen: "127.0.0.1:0" }
`,
  );
  agent = new AgentProcess({ config });
  const { listen } = await agent.start();
  const post = async (stream: string, body: string): Promise<number> =>
    (await fetch(`http://${listen['source:push']}/v1/ingest/${stream}`, { method: 'POST', body })).status;
  // Noise that no block makes smaller. Requests that find no room wait for it, unanswered.
  const noise = (): string => JSON.stringify({ noise: randomBytes(120_000).toString('base64') });
  const waiting = new Set<Promise<void>>();
  const send = (): void => {
    const answered = post('telemetry', noise()).then(
      () => void waiting.delete(answered),
      () => void waiting.delete(answered),
    );
    waiting.add(answered);
  };
  await until('the buffer to be full', () => {
    while (waiting.size < 16) send();
    return agent.output.includes('ingest_append_refused');
  });

  expect(await post('alarm', '{"level":3}')).toBe(204);

  const ledger = (await (await fetch(`http://${listen['api']}/v1/ledger`)).json()) as LedgerJson;
  expect(ledger.streams.find(({ stream }) => stream === 'alarm')).toMatchObject({ received: 1, buffered: 1 });
  expect(ledger.balanced).toBe(true);
  await agent.kill();
  await Promise.all(waiting);
});
