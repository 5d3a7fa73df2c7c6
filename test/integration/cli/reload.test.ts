import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StatusJson } from '#agent/api/contract.ts';
import { AgentProcess, selfCommand } from '#agent/host/agent-process.ts';
import { pause, until } from '#test/support/until.ts';

let folder: string;
let agent: AgentProcess;
let listen: Readonly<Record<string, string>>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-reload-'));
});
afterEach(async () => {
  await agent.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes the configuration that SIGHUP reads: a source that stays, and what else is asked for. */
function write(
  more: { id?: string; sources?: string; stages?: string; buffer?: string; api?: number } = {},
): string {
  const file = join(folder, 'sedge.yaml');
  const { id = 'gw', sources = '', stages = '', buffer = '', api = 0 } = more;
  writeFileSync(
    file,
    `agent: { id: ${id}, data: ${join(folder, 'data')} }
sources:
  push: { type: http, listen: "127.0.0.1:0" }
${sources}
streams:
  s: { from: [push], match: "s/{machine}", decode: { format: json }, stages: [ ${stages} ] }
${buffer}
api: { listen: "127.0.0.1:${api}" }
`,
  );
  return file;
}

async function started(): Promise<void> {
  agent = new AgentProcess({ config: write() });
  ({ listen } = await agent.start());
}

const post = async (body = '{"v":1}', source = 'push'): Promise<number> => {
  const url = `http://${listen[`source:${source}`]}/v1/ingest/s/m1`;
  return (await fetch(url, { method: 'POST', body })).status;
};

const status = async (): Promise<StatusJson> =>
  (await (await fetch(`http://${listen['api']}/v1/status`)).json()) as StatusJson;

const says = (words: string): Promise<void> => until(words, () => agent.output.includes(words));

/** What `sedge plan` says and how it ends. */
async function plan(): Promise<{ code: unknown; steps: readonly { path: string; effect: string }[] }> {
  const [command, ...leading] = selfCommand();
  const words = [...leading, 'plan', '--json', '--config', join(folder, 'sedge.yaml')];
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
  const [code] = await once(child, 'close');
  return { code, steps: JSON.parse(output) as { path: string; effect: string }[] };
}

async function freePort(): Promise<number> {
  const { server, port } = await takenPort();
  server.close();
  await once(server, 'close');
  return port;
}

async function takenPort(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

describe('a reload that goes wrong', () => {
  it('leaves everything running where a new source cannot bind, and starts it at the next one', async () => {
    await started();
    const { server, port } = await takenPort();
    write({ sources: `  late: { type: http, listen: "127.0.0.1:${port}" }` });

    agent.signal('SIGHUP');
    await says(`cannot listen on 127.0.0.1:${port}`);

    expect(await post()).toBe(204);
    expect((await status()).sources.map(({ name }) => name)).toEqual(['push']);
    server.close();
    await once(server, 'close');
    agent.signal('SIGHUP');
    await until('the new source', async () => (await status()).sources.length === 2);
    const answer = await fetch(`http://127.0.0.1:${port}/v1/ingest/s`, { method: 'POST', body: '{"v":2}' });
    expect(answer.status).toBe(204);
  });

  it('tells of a source that could not be restarted, and has it back when the old file is back', async () => {
    const other = '  other: { type: http, listen: "127.0.0.1:0", path: /other }';
    agent = new AgentProcess({ config: write({ sources: other }) });
    ({ listen } = await agent.start());
    const { server, port } = await takenPort();
    const filtered = async (): Promise<number | undefined> =>
      (await status()).streams.find(({ name }) => name === 's')?.filtered;
    write({ sources: other.replace(':0', `:${port}`), stages: '{ keep: "reading.v > 5.0" }' });

    agent.signal('SIGHUP');
    await says(`cannot listen on 127.0.0.1:${port}`);

    expect(await post()).toBe(204);
    expect(await filtered()).toBe(1);
    const { parts } = await status();
    expect(parts.find(({ name }) => name === 'source.other')).toMatchObject({ state: 'failed' });
    write({ sources: other });
    agent.signal('SIGHUP');
    await until('the old source', async () => (await status()).sources.length === 2);
    await until('its health', async () =>
      (await status()).parts.some(({ name, state }) => name === 'source.other' && state === 'ok'),
    );
    expect(await post()).toBe(204);
    expect(await filtered()).toBe(1);
    server.close();
    await once(server, 'close');
  });

  it('is told by plan as something that the next reload tries again, as long as a part of it does not run', async () => {
    const api = await freePort();
    agent = new AgentProcess({ config: write({ api }) });
    ({ listen } = await agent.start());
    const { server, port } = await takenPort();
    write({ api, sources: `  late: { type: http, listen: "127.0.0.1:${port}" }` });
    agent.signal('SIGHUP');
    await says(`cannot listen on 127.0.0.1:${port}`);

    const half = await plan();
    server.close();
    await once(server, 'close');
    agent.signal('SIGHUP');
    await until('the new source', async () => (await status()).sources.length === 2, 15_000);
    const whole = await plan();

    expect(half.code).toBe(1);
    expect(half.steps.map(({ path }) => path)).toEqual(['sources.late']);
    expect(half.steps[0]?.effect).toMatch(
      /^try to start source late again, which failed: .*cannot listen on 127\.0\.0\.1/,
    );
    expect(whole).toEqual({ code: 0, steps: [] });
  });

  it('keeps the name of the agent until a restart, and says at every reload that it waits', async () => {
    await started();
    write({ id: 'other' });

    agent.signal('SIGHUP');
    await says('1 change; 1 waits for a restart');
    expect((await status()).agent.id).toBe('gw');

    write({ id: 'other', stages: '{ keep: "reading.v > 5.0" }' });
    agent.signal('SIGHUP');
    await says('2 changes; 1 waits for a restart');
    expect((await status()).agent.id).toBe('gw');
  });

  it('keeps the old configuration where the new one is wrong, or not there', async () => {
    await started();
    const file = write({ stages: '{ keep: "reading.v >" }' });
    agent.signal('SIGHUP');
    await says('sedge.yaml:');
    expect(await post()).toBe(204);

    unlinkSync(file);
    agent.signal('SIGHUP');
    await says('the old configuration stays in force');
    expect(await post()).toBe(204);

    expect((await status()).streams.find(({ name }) => name === 's')).toMatchObject({
      received: 2,
      filtered: 0,
    });
    write({ stages: '{ keep: "reading.v > 5.0" }' });
    agent.signal('SIGHUP');
    await until('the mended one', async () => {
      await post();
      return (await status()).streams.some(({ filtered }) => filtered > 0);
    });
    expect(await agent.stop()).toBe('exit code 0');
  });

  it('comes during the start and ends in a running agent', async () => {
    agent = new AgentProcess({ config: write() });
    const starting = agent.start();
    // Not before the program itself runs: until then nothing can listen.
    const data = join(folder, 'data');
    const hangUps = setInterval(() => existsSync(data) && agent.signal('SIGHUP'), 1);

    ({ listen } = await starting.finally(() => clearInterval(hangUps)));

    expect(await post()).toBe(204);
    expect(await agent.stop()).toBe('exit code 0');
  });
});

describe('an agent whose buffer is full', () => {
  it('restarts a source and stops, while senders wait for room', async () => {
    agent = new AgentProcess({ config: write({ buffer: 'buffer: { size: 32MiB, when_full: block }' }) });
    ({ listen } = await agent.start());
    // Noise that no block makes smaller.
    const noise = (): string => JSON.stringify({ noise: randomBytes(120_000).toString('base64') });
    const waiting: Promise<number>[] = [];
    await until(
      'the buffer to be full',
      async () => {
        const some = Array.from({ length: waiting.length < 800 ? 8 : 0 }, () => post(noise()).catch(() => 0));
        waiting.push(...some);
        await Promise.race([Promise.all(some), pause(500)]);
        return agent.output.includes('the buffer takes no readings');
      },
      40_000,
    );

    write({
      sources: '  other: { type: http, listen: "127.0.0.1:0", path: /other }',
      buffer: 'buffer: { size: 32MiB, when_full: block }',
    });
    agent.signal('SIGHUP');
    await until('the new source', async () => (await status()).sources.length === 2);

    expect((await status()).ledger.balanced).toBe(true);
    expect(await agent.stop()).toBe('exit code 0');
    const answers = await Promise.all(waiting);
    expect(answers.filter((code) => code === 204).length).toBeGreaterThan(10);
    expect(answers.every((code) => code === 204 || code === 503 || code === 0)).toBe(true);
  });
});
