import { writeSync } from 'node:fs';
import { argv } from 'node:process';
import { Prng } from '#agent/base/prng.ts';
import { startRaftLogThread } from '#agent/host/raft-log-thread.ts';
import { RaftLogEvents } from '#agent/mesh/raft-log/events.ts';
import { RaftLogClient } from '#agent/mesh/raft-log/log-client.ts';
import { applied, type TwinState } from '#test/property/mesh/raft-log/log-twin.ts';
import { drawOrder, ordersUnderWayMax, twinOf } from './drawn-orders.ts';

/** Writes a log until it is killed; prints each order's id once it is answered, by a write that is done before the next. */
const [folder, seed] = [argv[2]!, Number(argv[3])];
const chance = new Prng(seed);
const telemetry = { log() {}, count() {}, gauge() {}, observe() {} };
const log = new RaftLogClient({
  channel: startRaftLogThread({ folder, owner: 'site/1' }),
  events: new RaftLogEvents(telemetry),
});
let planned: TwinState;
let nextId = 1;
let isAlive = false;

function pump(): void {
  if (!isAlive) return;
  while (log.waiting < ordersUnderWayMax) {
    const order = drawOrder(chance, planned, nextId++);
    planned = applied(planned, order);
    log.submit(order);
  }
}

log.start((report) => {
  isAlive = report.kind !== 'lost';
  if (report.kind === 'ready') planned = twinOf(log.reader);
  else if (report.kind === 'done') writeSync(1, `${report.id}\n`);
  // The power is cut: the kill follows.
  else if (isAlive) throw new Error(JSON.stringify(report));
  setImmediate(pump);
});
