import { Worker } from 'node:worker_threads';
import { messageOf } from '../base/errors.ts';
import type { DiskChannel, DiskReport, DiskRequest } from '../buffer/disk-protocol.ts';
import { BufferGarbage } from './buffer-garbage.ts';
import { ResidentBound } from './resident-bound.ts';

/** What the disk thread is told first. */
export interface DiskWorkerData {
  readonly folder: string;
  readonly agent: string;
  readonly addon?: string;
}

/** What it may be told before: it loads SQLite while it waits. */
export interface DiskWarmUp {
  readonly addon: string;
}

/** Where the worker's program is: a file beside this one, or, in a single executable, its text. */
export type WorkerSource = { readonly url: URL } | { readonly text: string };

export const diskWorkerFromSource: WorkerSource = { url: new URL('./disk-worker.ts', import.meta.url) };

/**
 * A disk thread that loads its modules while it is not yet known which folder it will serve. Until then it keeps no process
 * alive.
 */
export class DiskThread {
  readonly #worker: Worker;

  constructor(source: WorkerSource = diskWorkerFromSource) {
    const options = { name: 'disk', resourceLimits: { maxYoungGenerationSizeMb: 4 } };
    this.#worker =
      'url' in source ? new Worker(source.url, options) : new Worker(source.text, { ...options, eval: true });
    this.#worker.unref();
  }

  /** Has it load the addon beforehand. What is wrong with it shows when a database is opened. */
  warmUp(told: DiskWarmUp): void {
    this.#worker.postMessage(told);
  }

  /** Begins the work; at most once. Returns the way to it. */
  serve(data: DiskWorkerData): DiskChannel {
    const worker = this.#worker;
    const reports: ((report: DiskReport) => void)[] = [];
    const deaths: ((reason: string) => void)[] = [];
    let ending: Promise<void> | null = null;
    // What this thread took in, and what it gives to uplinks, comes by here.
    const garbage = new BufferGarbage();
    const resident = new ResidentBound();
    worker.on('message', (report: DiskReport) => {
      for (const listener of reports) listener(report);
      garbage.look();
      resident.look();
    });
    worker.on('error', (error) => {
      for (const listener of deaths) listener(messageOf(error));
    });
    worker.on('exit', (code) => {
      if (ending !== null) return;
      for (const listener of deaths) listener(`exit code ${code}`);
    });
    worker.ref();
    worker.postMessage(data);
    return {
      post: (request: DiskRequest, transfer) => worker.postMessage(request, [...transfer]),
      onReport: (listener) => void reports.push(listener),
      onDeath: (listener) => void deaths.push(listener),
      end: () => (ending ??= worker.terminate().then(() => undefined)),
    };
  }
}

/** Starts the disk thread and returns the way to it. */
export function startDiskThread(data: DiskWorkerData, source?: WorkerSource): DiskChannel {
  return new DiskThread(source).serve(data);
}
