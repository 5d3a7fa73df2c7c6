import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { limits } from '../mesh/raft-log/limits.ts';
import { LogService } from '../mesh/raft-log/log-service.ts';
import { LogStore } from '../mesh/raft-log/log-store.ts';
import type { LogRequest } from '../mesh/raft-log/protocol.ts';
import { SqliteDevice } from '../mesh/raft-log/sqlite-device.ts';
import { RaftLogFiles } from './raft-log-files.ts';
import type { RaftLogWorkerData } from './raft-log-thread.ts';

/** The thread of the Raft log: every promise of the member waits here for its sync. */
function runRaftLogThread(port: MessagePort, data: RaftLogWorkerData): void {
  const files = new RaftLogFiles({ folder: data.folder, addon: data.addon });
  const store = new LogStore(new SqliteDevice({ files, owner: data.owner }));
  const service = new LogService({ store, now: () => performance.now() });
  let scheduled = false;
  let pause: NodeJS.Timeout | undefined;

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    clearTimeout(pause);
    setImmediate(turn);
  };
  const turn = (): void => {
    scheduled = false;
    for (let taken = 0; taken < limits.groupOrdersMax; taken++) {
      const next = receiveMessageOnPort(port);
      if (next === undefined) break;
      service.take(next.message as LogRequest);
    }
    const { news, waitMs } = service.turn();
    if (news.length > 0) port.postMessage(news);
    if (waitMs === 0) schedule();
    else if (waitMs !== null) pause = setTimeout(schedule, waitMs);
  };
  port.on('message', (request: LogRequest) => {
    service.take(request);
    schedule();
  });
}

assert(parentPort !== null, 'the Raft log worker runs as a thread');
runRaftLogThread(parentPort, workerData as RaftLogWorkerData);
