import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { selfCommand } from '#agent/host/agent-process.ts';
import { scratchFolder } from './bench-agent.ts';
import { ended } from './bench-process.ts';

/** `sedge receive` in a process of its own. */
export class BenchReceiver {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(url: string, child: ChildProcess, folder: string) {
    this.url = url;
    this.#child = child;
    this.#folder = folder;
  }

  static async start(): Promise<BenchReceiver> {
    const folder = scratchFolder();
    const [command, ...rest] = selfCommand();
    const parameters = [...rest, 'receive', '--listen', '127.0.0.1:0', '--output', folder];
    const child = spawn(command, parameters, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const [message] = (await once(child, 'message')) as [{ listen: { http: string } }];
    return new BenchReceiver(message.listen.http, child, folder);
  }

  async stop(): Promise<void> {
    await ended(this.#child, 'SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
