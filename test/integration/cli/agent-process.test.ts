import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AgentProcess } from '#agent/host/agent-process.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-agent-process-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function config(): string {
  const file = join(folder, 'sedge.yaml');
  writeFileSync(
    file,
    `agent: { id: gw, data: ${join(folder, 'data')} }
sources: { push: { type: http, listen: "127.0.0.1:0" } }
streams: { s: { from: [push], match: "s", decode: { format: json } } }
uplinks: { out: { type: file, path: ${join(folder, 'out.ndjson')} } }
api: { listen: "127.0.0.1:0" }
`,
  );
  return file;
}

it('kills an agent that is not ready in time, and says so', async () => {
  const agent = new AgentProcess({ config: config(), waits: { readyMsMax: 1 } });

  await expect(agent.start()).rejects.toThrow('the agent was not ready within 0.001 s');

  expect(agent.running).toBe(false);
});

it('kills an agent that does not end when told to', async () => {
  const agent = new AgentProcess({ config: config(), waits: { stopMsMax: 20 } });
  await agent.start();
  agent.signal('SIGSTOP');

  expect(await agent.stop()).toBe('SIGKILL');
});
