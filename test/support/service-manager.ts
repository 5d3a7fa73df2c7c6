import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A datagram socket is beyond Node: Python binds it, and prints every message with its time. */
const program = `
import json, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('"bound"', flush=True)
while True:
    message = s.recv(65536)
    print(json.dumps([time.monotonic_ns() / 1e6, message.decode()]), flush=True)
`;

/** systemd's end of the notify protocol, at `path`. */
export class ServiceManager {
  readonly #child: ChildProcess;
  /** Every message heard, oldest first. */
  readonly heard: string[] = [];
  /** When, in milliseconds of the clock that `process.hrtime` shows; an entry for each message. */
  readonly heardAtMs: number[] = [];
  readonly #bound: Promise<void>;

  constructor(path: string) {
    const child = spawn('python3', ['-c', program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    this.#bound = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code) => reject(new Error(`python3 ended with ${code}`)));
      createInterface(child.stdout).on('line', (line) => {
        const told = JSON.parse(line) as 'bound' | [number, string];
        if (told === 'bound') return resolve();
        this.heardAtMs.push(told[0]);
        this.heard.push(told[1]);
      });
    });
  }

  bound(): Promise<void> {
    return this.#bound;
  }

  count(assignment: string): number {
    return this.heard.filter((message) => message.split('\n').includes(assignment)).length;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}
