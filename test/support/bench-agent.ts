import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StatusJson } from '#agent/api/contract.ts';
import type { AnswerJson } from '#agent/query/answer.ts';
import { AgentClient } from '#agent/host/agent-client.ts';
import { selfCommand } from '#agent/host/agent-process.ts';
import { ended } from './bench-process.ts';
import { until } from './until.ts';

/** A way to run the agent: from source, or the single executable. */
export interface Program {
  readonly name: 'source' | 'binary';
  readonly command: readonly [string, ...string[]];
}

export const binaryFile = fileURLToPath(new URL(`../../dist/sedge-linux-${process.arch}`, import.meta.url));

/**
 * `SEDGE_BENCH_PROFILE=DIR`: agents from source leave CPU profiles of both threads there. `SEDGE_BENCH_PROGRAM=source|binary`
 * narrows the choice.
 */
export function programs(): readonly Program[] {
  const [node, ...rest] = selfCommand();
  const folder = process.env['SEDGE_BENCH_PROFILE'];
  const profile = folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  const source: Program = { name: 'source', command: [node, ...profile, ...rest] };
  const all = existsSync(binaryFile)
    ? [source, { name: 'binary', command: [binaryFile] } satisfies Program]
    : [source];
  const wanted = process.env['SEDGE_BENCH_PROGRAM'];
  return wanted === undefined ? all : all.filter(({ name }) => name === wanted);
}

/** What a gateway would run: the binary when it was built. */
export function preferredProgram(): Program {
  return programs().at(-1)!;
}

/** A folder of this bench's own, on the file system of the temporary folder. */
export function scratchFolder(): string {
  return mkdtempSync(join(tmpdir(), 'sedge-bench-'));
}

export const streamConfig = {
  match: 'plant/{plant}/{machine}/telemetry',
  decode: { format: 'json', time: 'ts', time_unit: 'ms' },
  stages: [
    { keep: 'reading.temp > -40.0 && reading.ok' },
    { calibrate: { field: 'temp', scale: 0.1, offset: -2 } },
    { deadband: { field: 'temp', absolute: 0.05, max_interval: '10m' } },
  ],
};

/** Two percent of a run of the ingest bench. */
const settledLookMs = 50;

let cache: string | null = null;

/** What systemd gives the service: kept from start to start, gone with this process. */
function cacheFolder(): string {
  if (cache === null) {
    const folder = scratchFolder();
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    cache = folder;
  }
  return cache;
}

/** One `sedge run` on a folder of its own. JSON is YAML too. */
export class BenchAgent {
  readonly folder: string;
  readonly #program: Program;
  readonly #ownFolder: boolean;
  #child: ChildProcess | null = null;
  #client: AgentClient | null = null;
  #listen: Readonly<Record<string, string>> = {};
  #output = '';

  constructor(options: { program: Program; config: object; folder?: string }) {
    this.#program = options.program;
    this.#ownFolder = options.folder === undefined;
    this.folder = options.folder ?? scratchFolder();
    mkdirSync(this.folder, { recursive: true });
    const config = {
      agent: { id: 'gw-bench', data: join(this.folder, 'data') },
      api: { listen: '127.0.0.1:0' },
      log: { level: 'warning' },
      ...options.config,
    };
    writeFileSync(join(this.folder, 'sedge.yaml'), JSON.stringify(config, null, 2));
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  get databaseFile(): string {
    return join(this.folder, 'data/buffer.db');
  }

  /** Port of a source that listens. */
  port(source: string): number {
    return Number(this.#listen[`source:${source}`]!.split(':').at(-1));
  }

  /** Answers the milliseconds from spawn to ready. */
  async start(wrap: readonly string[] = []): Promise<number> {
    const words = [...wrap, ...this.#program.command, 'run', '--config', join(this.folder, 'sedge.yaml')];
    const began = performance.now();
    const child = spawn(words[0]!, words.slice(1), {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, CACHE_DIRECTORY: cacheFolder() },
    });
    this.#child = child;
    child.stderr?.on('data', (bytes: Buffer) => {
      this.#output = (this.#output + bytes.toString()).slice(-4096);
    });
    const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
    const took = performance.now() - began;
    const ready = message as { listen?: Record<string, string> } | null;
    if (ready?.listen === undefined) throw new Error(`the agent did not start: ${this.#output}`);
    this.#listen = ready.listen;
    const port = Number(this.#listen['api']!.split(':').at(-1));
    this.#client = new AgentClient({ host: '127.0.0.1', port, token: null, certificate: null });
    return took;
  }

  async status(): Promise<StatusJson> {
    return (await this.#client!.get('/v1/status')) as StatusJson;
  }

  async query(text: string): Promise<AnswerJson> {
    return (await this.#client!.get(`/v1/query?q=${encodeURIComponent(text)}`)) as AnswerJson;
  }

  /**
   * Resolves when so many messages of a source were committed and acknowledged. Looks seldom: every look costs the agent a fifth of a
   * millisecond of CPU and the disk thread a turn, some 150 times a second with the usual pause.
   */
  async settled(source: string, messages: number): Promise<void> {
    await until(
      `${messages} messages to settle`,
      async () => {
        const found = (await this.status()).sources.find(({ name }) => name === source);
        return found !== undefined && found.messages >= messages && found.in_flight === 0;
      },
      60_000,
      settledLookMs,
    );
  }

  async connected(source: string): Promise<void> {
    await until(`source ${source} to connect`, async () =>
      (await this.status()).sources.some(({ name, state }) => name === source && state === 'ok'),
    );
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#child !== null) await ended(this.#child, signal);
    this.#child = null;
    if (this.#ownFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}
