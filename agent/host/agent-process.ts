import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isSea } from 'node:sea';
import { SedgeError } from '../base/errors.ts';

/** What a running agent tells the process that started it, once it is ready. */
export interface AgentReady {
  readonly type: 'ready';
  /** Addresses actually bound, by name: `source:NAME`, `api`. */
  readonly listen: Readonly<Record<string, string>>;
}

/** `sedge run` in a process of its own: what a drill can kill. */
export class AgentProcess {
  readonly #parameters: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #exited: Promise<string> = Promise.resolve('never started');
  #output = '';

  constructor(options: { config: string; data?: string; environment?: Readonly<Record<string, string>> }) {
    this.#parameters = [
      'run',
      '--config',
      options.config,
      ...(options.data === undefined ? [] : ['--data', options.data]),
    ];
    this.#environment = options.environment ?? {};
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The end of what the agent wrote to its log, at most 64 KiB. */
  get output(): string {
    return this.#output;
  }

  /** @throws {SedgeError} SEDGE_AGENT_UNREACHABLE when the process ends before it is ready; the message holds its last line. */
  async start(): Promise<AgentReady> {
    const [command, ...leading] = selfCommand();
    const child = spawn(command, [...leading, ...this.#parameters], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...this.#environment },
    });
    this.#child = child;
    const keep = (bytes: Buffer): void => {
      this.#output = (this.#output + bytes.toString('utf8')).slice(-65_536);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    this.#exited = new Promise((resolve) => {
      child.on('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      child.on('error', (error) => resolve(error.message));
    });
    const ready = new Promise<AgentReady>((resolve) => {
      child.on('message', (message) => {
        if ((message as { type?: string }).type === 'ready') resolve(message as AgentReady);
      });
    });
    const first = await Promise.race([ready, this.#exited]);
    if (typeof first === 'string') {
      throw new SedgeError(
        'SEDGE_AGENT_UNREACHABLE',
        `the agent ended before it was ready (${first}): ${this.#output.trim().split('\n').slice(-3).join(' | ')}`,
      );
    }
    return first;
  }

  /** SIGKILL: nothing of the process runs after this. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM, and waits for the end. Resolves to how it ended. */
  async stop(): Promise<string> {
    this.#child?.kill('SIGTERM');
    return await this.#exited;
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  exited(): Promise<string> {
    return this.#exited;
  }
}

/** The command that runs this program again. */
export function selfCommand(): [string, ...string[]] {
  if (isSea()) return [process.execPath];
  return [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    fileURLToPath(new URL('../main.ts', import.meta.url)),
  ];
}
