import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ended } from './bench-process.ts';

export interface FloodOrder {
  readonly port: number;
  readonly total: number;
  /** First level of the topics; the agents of the benches take `plant`. */
  readonly prefix?: string;
  readonly perSecond?: number;
  readonly window?: number;
  /** Stops publishing after so long, whatever was acknowledged. */
  readonly secondsMax?: number;
}

export interface FloodReport {
  readonly seconds: number;
  readonly acknowledged: number;
  /** From publish to PUBACK; only when the pace was given. */
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
}

/** A publisher in a process of its own: 200-byte JSON of 50 devices at QoS 1. */
export class BenchFlood {
  readonly #child: ChildProcess;

  constructor() {
    const program = fileURLToPath(new URL('bench-flood-child.ts', import.meta.url));
    this.#child = fork(program, { execArgv: ['--disable-warning=ExperimentalWarning'] });
  }

  async run(order: FloodOrder): Promise<FloodReport> {
    this.#child.send(order);
    const [report] = (await once(this.#child, 'message')) as [FloodReport];
    return report;
  }

  stop(): Promise<void> {
    return ended(this.#child);
  }
}
