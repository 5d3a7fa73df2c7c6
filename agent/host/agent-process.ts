import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isSea } from 'node:sea';
import { SedgeError } from '../base/errors.ts';
import { runtimeFlags } from './runtime-flags.ts';

/** What a running agent tells the process that started it, once it is ready. */
export interface AgentReady {
  readonly type: 'ready';
  /** Addresses actually bound, by name: `source:NAME`, `api`. */
  readonly listen: Readonly<Record<string, string>>;
}

/** Longest waits for a process; each far beyond what one takes on a slow board. */
const waits = {
  /** Until it is ready, with a big backlog. */
  readyMsMax: 60_000,
  /** From SIGTERM to its end; then it is killed. */
  stopMsMax: 30_000,
  /** From SIGKILL to its end: a process in the middle of a write to a dead disk ends when the kernel lets go of it. */
  killMsMax: 30_000,
} as const;

/** `sedge run` in a process of its own: what a drill can kill. */
export class AgentProcess {
  readonly #parameters: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #exited: Promise<string> = Promise.resolve('never started');
  #output = '';

  readonly #waits: Readonly<Record<keyof typeof waits, number>>;

  constructor(options: {
    config: string;
    data?: string;
    environment?: Readonly<Record<string, string>>;
    waits?: Partial<Record<keyof typeof waits, number>>;
  }) {
    this.#waits = { ...waits, ...options.waits };
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

  /**
   * @throws {SedgeError} SEDGE_AGENT_UNREACHABLE when the process ends before it is ready, or is not ready in time (it is killed
   * then); the message holds its last lines.
   */
  async start(): Promise<AgentReady> {
    const [command, ...leading] = selfCommand();
    const child = spawn(command, [...leading, ...this.#parameters], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A group of its own: a Ctrl-C on the terminal is for the process that started it. Ends when that one is gone (processWorld).
      detached: true,
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
    const { readyMsMax } = this.#waits;
    const first = await within(Promise.race([ready, this.#exited]), readyMsMax);
    if (first !== null && typeof first !== 'string') return first;
    const last = this.#output.trim().split('\n').slice(-3).join(' | ');
    if (first === null) await this.kill();
    const what =
      first === null
        ? `the agent was not ready within ${readyMsMax / 1000} s`
        : `the agent ended before it was ready (${first})`;
    throw new SedgeError('SEDGE_AGENT_UNREACHABLE', `${what}: ${last}`);
  }

  /** SIGKILL: nothing of the process runs after this. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    const { killMsMax } = this.#waits;
    if ((await within(this.#exited, killMsMax)) !== null) return;
    throw new SedgeError(
      'SEDGE_AGENT_UNREACHABLE',
      `process ${this.pid} did not end within ${killMsMax / 1000} s of SIGKILL`,
      { hint: 'the kernel holds it: look for a dead disk in dmesg' },
    );
  }

  /** SIGTERM, and waits for the end; kills what does not end by itself. Resolves to how it ended. */
  async stop(): Promise<string> {
    this.#child?.kill('SIGTERM');
    const ending = await within(this.#exited, this.#waits.stopMsMax);
    if (ending !== null) return ending;
    await this.kill();
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
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  return [process.execPath, ...runtimeFlags, main];
}

/** What `promise` resolves to, or null when that takes longer. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
