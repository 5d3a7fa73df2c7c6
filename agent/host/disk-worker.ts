import { accessSync, constants, readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { parentPort, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import type { DiskReport, DiskRequest } from '../buffer/disk-protocol.ts';
import { DiskService, ObservationLog } from '../buffer/disk-service.ts';
import { BufferEvents } from '../buffer/events.ts';
import { JournalStore } from '../buffer/journal-store.ts';
import { groupRequestsMax } from '../buffer/limits.ts';
import { BufferGarbage } from './buffer-garbage.ts';
import { HostDiskSpace } from './disk-space.ts';
import { HostEntropy } from './entropy.ts';
import type { DiskWarmUp, DiskWorkerData } from './disk-thread.ts';
import { makeFolder } from './make-folder.ts';
import { openSqlite } from './sqlite.ts';

/** Between two looks for streams that became old enough to seal. */
const upkeepPauseMillis = 1_000;

/** The disk thread: everything that waits for the device waits here. */
function runDiskThread(port: MessagePort, data: DiskWorkerData): void {
  makeFolder(data.folder, 0o700);
  // SQLite calls a read-only device a failing one.
  accessSync(data.folder, constants.W_OK);
  const file = join(data.folder, 'buffer.db');
  const log = new ObservationLog();
  const events = new BufferEvents(log);
  const store = new JournalStore({
    open: () => openSqlite({ file, ...(data.addon === undefined ? {} : { addon: data.addon }) }),
    space: new HostDiskSpace({ folder: data.folder, database: file }),
    agent: data.agent,
    boot: bootId(),
    entropy: new HostEntropy(),
    events,
  });
  const service = new DiskService({ store, events, log, now });
  const garbage = new BufferGarbage();
  let scheduled = false;
  let pause: NodeJS.Timeout | undefined;

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    clearTimeout(pause);
    setImmediate(turn);
  };
  const tell = (report: DiskReport, transfer: readonly ArrayBuffer[]): void => {
    if (report.answers.length > 0 || report.observations.length > 0) port.postMessage(report, [...transfer]);
  };
  const turn = (): void => {
    scheduled = false;
    while (service.waiting < groupRequestsMax) {
      const next = receiveMessageOnPort(port);
      if (next === undefined) break;
      service.take(next.message);
    }
    const { report, transfer, again, retryMillis } = service.turn();
    tell(report, transfer);
    // What is committed is acknowledged before anything else is done.
    const upkeep = service.upkeep();
    tell(upkeep.report, []);
    garbage.look();
    if (again || upkeep.again) schedule();
    else pause = setTimeout(schedule, retryMillis ?? upkeepPauseMillis);
  };
  port.on('message', (request: DiskRequest) => {
    service.take(request);
    schedule();
  });
}

/** The kernel's monotonic clock: unlike a thread's own it compares between processes of one boot. */
function now(): { wallMicros: number; monotonicMillis: number } {
  return {
    wallMicros: Date.now() * 1_000,
    monotonicMillis: Number(process.hrtime.bigint() / 1_000n) / 1_000,
  };
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Compares with no other: monotonic times of two boots must never be taken for one.
    return `unknown-${new HostEntropy().uint32()}-${new HostEntropy().uint32()}`;
  }
}

assert(parentPort !== null, 'the disk worker runs as a thread');
const port = parentPort;

/** The first opening maps the addon, some milliseconds that are not the store's. */
function warmUp({ addon }: DiskWarmUp): void {
  try {
    openSqlite({ file: ':memory:', addon }).close();
  } catch {
    // Said by the store, which opens with it next.
  }
}

function listen(): void {
  port.once('message', (told: DiskWarmUp | DiskWorkerData) => {
    if (!('folder' in told)) {
      warmUp(told);
      listen();
      return;
    }
    runDiskThread(port, told);
    // Before the flags of the heap change: compiled code names the flags it was made under.
    setImmediate(flushCompileCache);
  });
}

listen();
