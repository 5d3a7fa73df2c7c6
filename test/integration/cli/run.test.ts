import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync, spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StatusJson } from '#agent/api/contract.ts';
import { AgentProcess, selfCommand } from '#agent/host/agent-process.ts';
import { until, untilGood } from '#test/support/until.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-run-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function config(more: { api?: string; stages?: string; data?: string } = {}): string {
  const file = join(folder, 'sedge.yaml');
  writeFileSync(
    file,
    `agent: { id: gw, data: ${more.data ?? join(folder, 'data')} }
sources: { push: { type: http, listen: "127.0.0.1:0" } }
streams:
  s:
    from: [push]
    match: "s/{machine}"
    decode: { format: json }
    stages: [ ${more.stages ?? ''} ]
uplinks: { out: { type: file, path: ${join(folder, 'out.ndjson')} } }
api: { listen: "${more.api ?? '127.0.0.1:0'}" }
`,
  );
  return file;
}

/** The command line in a process of its own; what it wrote and how it ended. */
async function sedge(...words: string[]): Promise<{ code: number | null; errors: string }> {
  const [command, ...leading] = selfCommand();
  const child = spawn(command, [...leading, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString('utf8')));
  const code = await new Promise<number | null>((done) => child.on('close', done));
  return { code, errors };
}

describe('sedge run', () => {
  it('takes a reading by HTTP, delivers it, reloads its stages and ends on SIGTERM', async () => {
    const agent = new AgentProcess({ config: config() });
    const { listen } = await agent.start();
    const post = (payload: object): Promise<Response> =>
      fetch(`http://${listen['source:push']}/v1/ingest/s/m1`, {
        method: 'POST',
        body: JSON.stringify(payload),
      });
    const status = async (): Promise<StatusJson> =>
      (await (await fetch(`http://${listen['api']}/v1/status`)).json()) as StatusJson;

    expect((await post({ v: 1 })).status).toBe(204);
    await untilGood('the agent to tell so', status, ({ streams }) => streams[0]?.delivered === 1);
    config({ stages: "{ keep: 'reading.v > 5.0' }" });
    agent.signal('SIGHUP');
    // The configuration is shown from the beginning of a reload on; its parts follow one by one.
    await until('the reload to end', () => agent.output.includes('reloaded'));
    expect(await (await fetch(`http://${listen['api']}/v1/config`)).text()).toContain('reading.v');
    expect((await post({ v: 2 })).status).toBe(204);
    const after = await untilGood(
      'the agent to tell so',
      status,
      ({ streams }) => streams[0]?.received === 2,
    );

    expect(after.streams[0]).toMatchObject({ received: 2, filtered: 1, delivered: 1, dropped: 0 });
    expect(after.ledger.balanced).toBe(true);
    expect(await agent.stop()).toBe('exit code 0');
    const end = agent.output.slice(agent.output.indexOf('operate_stopping'));
    expect(end).toContain('stopping: what was taken in is stored first');
    expect(end).not.toContain('operate_part_changed');
  });

  it('refuses a data folder that another agent uses, in one line', async () => {
    const agent = new AgentProcess({ config: config() });
    await agent.start();

    const second = await sedge('run', '--config', config());

    expect(second.code).toBe(75);
    expect(second.errors).toContain('SEDGE_DATA_LOCKED');
    expect(second.errors).not.toContain('    at ');
    await agent.stop();
  });

  it('says which address is taken, and leaves', async () => {
    const server = createServer();
    const port = await new Promise<number>((done) =>
      server.listen(0, '127.0.0.1', () => done((server.address() as { port: number }).port)),
    );

    const { code, errors } = await sedge('run', '--config', config({ api: `127.0.0.1:${port}` }));

    expect(code).toBe(69);
    expect(errors).toContain(`cannot listen on 127.0.0.1:${port}`);
    expect(errors).not.toContain('    at ');
    server.close();
  });

  it('says that the data folder is none, and leaves', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');

    const { code, errors } = await sedge('run', '--config', config({ data: file }));

    expect(code).toBe(65);
    expect(errors).toContain('the disk thread ended');
    expect(errors).not.toContain('    at ');
  });

  it('says that the device of the data folder is read-only, and leaves', async (context) => {
    const data = join(folder, 'mounted');
    mkdirSync(data);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', data], { stdio: 'pipe' });
    } catch (error) {
      return context.skip(`mount refused: ${(error as Error).message.split('\n').at(-2) ?? ''}`);
    }
    try {
      const { code, errors } = await sedge('run', '--config', config({ data }));

      expect(code).toBe(65);
      expect(errors).toContain('read-only file system');
      expect(errors).not.toContain('    at ');
    } finally {
      execFileSync('umount', ['--lazy', data]);
    }
  });

  it('ends 78 with place and expectation for a wrong configuration', async () => {
    const file = config();
    writeFileSync(file, 'sources: { a: { type: mqtt, url: "mqtt://b", topics: [x], qos: 7 } }\n');

    const { code, errors } = await sedge('run', '--config', file);

    expect(code).toBe(78);
    expect(errors).toContain(':1:');
    expect(errors).toContain('7 is not 0, 1 or 2');
  });
});
