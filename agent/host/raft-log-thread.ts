import { Worker } from 'node:worker_threads';
import { messageOf } from '../base/errors.ts';
import type { LogChannel, LogNews, LogRequest } from '../mesh/raft-log/protocol.ts';
import type { WorkerSource } from './disk-thread.ts';

/** What the thread of a Raft log is told at its start. */
export interface RaftLogWorkerData {
  /** Of this member's log alone. */
  readonly folder: string;
  /** Names group and member, as `GROUP/ID`; written into the file, and checked. */
  readonly owner: string;
  readonly addon?: string;
}

const raftLogWorkerFromSource: WorkerSource = { url: new URL('./raft-log-worker.ts', import.meta.url) };

/** Starts the thread and returns the way to it. */
export function startRaftLogThread(
  data: RaftLogWorkerData,
  source: WorkerSource = raftLogWorkerFromSource,
): LogChannel {
  const options = { workerData: data, name: 'raft-log', resourceLimits: { maxYoungGenerationSizeMb: 4 } };
  const worker =
    'url' in source ? new Worker(source.url, options) : new Worker(source.text, { ...options, eval: true });
  const listeners: ((news: readonly LogNews[]) => void)[] = [];
  const deaths: ((reason: string) => void)[] = [];
  let ending: Promise<void> | null = null;
  worker.on('message', (news: readonly LogNews[]) => {
    for (const listener of listeners) listener(news);
  });
  worker.on('error', (error) => {
    for (const listener of deaths) listener(messageOf(error));
  });
  worker.on('exit', (code) => {
    if (ending !== null) return;
    for (const listener of deaths) listener(`exit code ${code}`);
  });
  return {
    post: (request: LogRequest) => worker.postMessage(request),
    onNews: (listener) => void listeners.push(listener),
    onDeath: (listener) => void deaths.push(listener),
    end: () => (ending ??= worker.terminate().then(() => undefined)),
  };
}
