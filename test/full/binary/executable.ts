import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '#scripts/steps.ts';

/** How a built executable is started: by itself, or by an emulator. */
export type Command = readonly [string, ...string[]];

/** Builds one architecture into a folder of its own. Answers the executable, or why it cannot be had here. */
export function build(architecture: 'x64' | 'arm64', folder: string): { file: string } | { missing: string } {
  try {
    execFileSync(
      process.execPath,
      [join(root, 'scripts/build.ts'), '--arch', architecture, '--no-deb', '--output', folder],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' },
    );
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr ?? error);
    const tool = /Error: (\S+ is missing: [^\n]+)/.exec(said)?.[1];
    if (tool !== undefined) return { missing: tool };
    if (/npm (?:error|ERR!) (?:network|code E(?:NOTFOUND|AI_AGAIN|CONNREFUSED|404))/.test(said))
      return { missing: 'npm could not fetch the other architecture of Node' };
    throw error;
  }
  return { file: join(folder, `sedge-linux-${architecture}`) };
}

export function hasCommand(name: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name)));
}

/** A name that says why a test is skipped, where it is. */
export function titled(name: string, options: { runs: boolean; needs: string }): string {
  return options.runs ? name : `${name} [skipped: needs ${options.needs}]`;
}

export interface Outcome {
  /** Exit code, or the signal that ended it. */
  readonly ended: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with a configuration in it, for one run after the other; nothing of it outlives the test. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'sedge-binary-'));
  readonly #command: Command;
  readonly #running = new Set<Running>();

  constructor(command: Command) {
    this.#command = command;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** A file uplink unless told otherwise, a replay or broker source, everything in this folder and on free ports. */
  configure(source: object, uplink?: object): void {
    const config = {
      agent: { id: 'gw-7', data: this.path('data') },
      sources: { in: source },
      streams: { readings: { from: ['in'], match: '#', decode: { format: 'json' } } },
      uplinks: { out: uplink ?? { type: 'file', path: this.path('out/readings.ndjson') } },
      api: { listen: '127.0.0.1:0' },
    };
    // JSON is YAML.
    writeFileSync(this.path('sedge.yaml'), JSON.stringify(config, null, 2));
  }

  start(parameters: readonly string[], environment: Record<string, string> = {}): Running {
    const [program, ...leading] = this.#command;
    const child = spawn(program, [...leading, ...parameters], {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: this.folder,
        CACHE_DIRECTORY: this.path('cache'),
        ...environment,
      },
    });
    const running = new Running(child);
    this.#running.add(running);
    return running;
  }

  async run(...parameters: readonly string[]): Promise<Outcome> {
    return await this.start(parameters).ended;
  }

  async runIn(environment: Record<string, string>, ...parameters: readonly string[]): Promise<Outcome> {
    return await this.start(parameters, environment).ended;
  }

  /** What the file uplink has written, each reading once, by offset. */
  delivered(): Map<number, Record<string, unknown>> {
    const file = this.path('out/readings.ndjson');
    if (!existsSync(file)) return new Map();
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    return new Map(
      lines.map((line) => {
        const reading = JSON.parse(line) as { offset: number; values: Record<string, unknown> };
        return [reading.offset, reading.values];
      }),
    );
  }

  makeFolder(name: string, mode: number): string {
    mkdirSync(this.path(name), { mode });
    return this.path(name);
  }

  async close(): Promise<void> {
    for (const running of this.#running) await running.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A started executable. */
export class Running {
  readonly #child: ChildProcess;
  readonly ended: Promise<Outcome>;
  readonly #ready: Promise<Readonly<Record<string, string>>>;
  #stdout = '';
  #stderr = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (bytes: Buffer) => (this.#stdout += bytes.toString('utf8')));
    child.stderr?.on('data', (bytes: Buffer) => (this.#stderr += bytes.toString('utf8')));
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) =>
        resolve({ ended: signal ?? code ?? 'unknown', stdout: this.#stdout, stderr: this.#stderr }),
      );
    });
    this.#ready = new Promise((resolve) => {
      child.on('message', (message) => {
        const told = message as { type?: string; listen?: Record<string, string> };
        if (told.type === 'ready') resolve(told.listen ?? {});
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The addresses bound. Rejects when the process ends before it is ready. */
  async ready(): Promise<Readonly<Record<string, string>>> {
    const early = this.ended.then(({ ended, stderr }): never => {
      throw new Error(`ended (${ended}) before it was ready: ${stderr.slice(-2_000)}`);
    });
    return await Promise.race([this.#ready, early]);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async stop(): Promise<Outcome> {
    this.#child.kill('SIGTERM');
    return await this.ended;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended.catch(() => undefined);
  }
}
