import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess, selfCommand } from '#agent/host/agent-process.ts';
import { verbs } from '#agent/verbs.ts';
import { until } from '#test/support/until.ts';

/** Command lines whose every line of output is JSON, beside a running agent. */
const beside = [
  'validate',
  'plan',
  'print-config',
  'print-config --schema',
  'test',
  'status',
  'top --count 1',
  'tap s --count 1',
  'buffer ls',
  'buffer stat s',
  'buffer tail s',
  'buffer export s',
  'buffer replay --dry-run',
  'query count()',
  'version',
];
/** The same, when the agent has ended. */
const alone = ['query count()', 'buffer ls', 'buffer tail s', 'buffer fsck', 'buffer purge s --yes'];
/** Verbs that print no tables, or have tests of their own for it. */
const others = [
  'run',
  'demo',
  'completion',
  'prove',
  'receive',
  'update',
  'install',
  'uninstall',
  'rollback',
];

let folder: string;
let agent: AgentProcess;
let ingest: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-json-'));
  write('127.0.0.1:0', '127.0.0.1:0');
  agent = new AgentProcess({ config: join(folder, 'sedge.yaml') });
  const { listen } = await agent.start();
  ingest = listen['source:push']!;
  write(ingest, listen['api']!);
  expect((await post()).status).toBe(204);
});

afterAll(async () => {
  await agent.stop();
  rmSync(folder, { recursive: true });
});

function write(push: string, api: string): void {
  writeFileSync(
    join(folder, 'sedge.yaml'),
    `agent: { id: gw, data: ${join(folder, 'data')} }
sources: { push: { type: http, listen: "${push}" } }
streams: { s: { from: [push], match: "s", decode: { format: json } } }
uplinks: { away: { type: http, url: "http://127.0.0.1:1/" } }
api: { listen: "${api}" }
tests: [ { name: one, stream: s, input: [ { topic: s, payload: '{"t":1}' } ], expect: [ { values: { t: 1 } } ] } ]
`,
  );
}

const post = (): Promise<Response> =>
  fetch(`http://${ingest}/v1/ingest/s`, { method: 'POST', body: '{"t":1}' });

async function run(words: string): Promise<{ out: string; error: string }> {
  const [command, ...leading] = selfCommand();
  const child = spawn(command, [...leading, ...words.split(' '), '--json'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let error = '';
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (error += bytes.toString()));
  let ended = false;
  child.on('close', () => (ended = true));
  await until(`sedge ${words} to end`, async () => {
    // A tap shows what comes while it watches.
    if (words.startsWith('tap') && !ended) await post();
    return ended;
  });
  return { out, error };
}

function expectJson({ out, error }: { out: string; error: string }): void {
  expect(error).toBe('');
  expect(out).not.toBe('');
  if (out.startsWith('{\n')) expect(() => void JSON.parse(out)).not.toThrow();
  else for (const line of out.trimEnd().split('\n')) expect(() => void JSON.parse(line), line).not.toThrow();
}

describe('--json', { shuffle: false }, () => {
  it('is tried here with every verb that prints tables', () => {
    const tried = new Set([...beside, ...alone].map((words) => words.split(' ')[0]!));

    expect(
      verbs.map((verb) => verb.name).filter((name) => !tried.has(name) && !others.includes(name)),
    ).toEqual([]);
  });

  it.each(beside)('sedge %s prints nothing but JSON', async (words) => {
    expectJson(await run(words));
  });

  it('prints nothing but JSON when there is no agent', async () => {
    await agent.stop();

    for (const words of alone) expectJson(await run(words));
  });
});
