import { connect } from 'node:net';
import { once } from 'node:events';
import mqttPacket from 'mqtt-packet';
import { Prng } from '#agent/base/prng.ts';
import type { FloodOrder, FloodReport } from './bench-flood.ts';
import { quantile } from './bench-process.ts';

const devices = 50;
const samples = 64;
const payloadBytes = 200;
const timePrefix = '{"ts":';
/** Bytes handed to the socket in one write. */
const writeBytes = 64 * 1024;
const sliceMs = 10;

let runs = 0;
/** Readings of all runs follow each other in time, a millisecond apart. */
let time = 1_700_000_000_000;

process.on('message', (order: FloodOrder) => void run(order));
process.on('disconnect', () => process.exit());

/** A PUBLISH packet made once; its packet id and its time are written into a copy. */
interface Template {
  readonly packet: Buffer;
  readonly idAt: number;
  readonly timeAt: number;
}

/** Whole packets made beforehand: the publisher shares the cores with what is measured and must cost little. */
function templates(prefix: string): Template[] {
  const random = new Prng(11);
  return Array.from({ length: devices * samples }, (_, i) => {
    const reading = {
      temp: 180 + random.below(100),
      rms: Math.round(random.float() * 1e4) / 1e4,
      hum: Math.round(random.float() * 1000) / 10,
      rpm: 1480 + random.below(40),
      current: Math.round(random.float() * 1e3) / 100,
      ok: true,
      mode: 'auto',
      batch: `lot-${1000 + (i % 7)}`,
    };
    const start = `${timePrefix}${time},${JSON.stringify(reading).slice(1, -1)},"note":"`;
    const payload = Buffer.from(`${start.padEnd(payloadBytes - 2, 'x')}"}`);
    const topic = `${prefix}/p1/m${i % devices}/telemetry`;
    const packet = mqttPacket.generate({
      cmd: 'publish',
      topic,
      payload,
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
    });
    const payloadAt = packet.length - payload.length;
    return { packet, idAt: payloadAt - 2, timeAt: payloadAt + timePrefix.length };
  });
}

async function run(order: FloodOrder): Promise<void> {
  const { port, total, prefix = 'plant', perSecond, window = 5_000, secondsMax } = order;
  const made = templates(prefix);
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  const clientId = `flood-${process.pid}-${runs++}`;
  socket.write(
    mqttPacket.generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId,
      keepalive: 0,
    }),
  );
  await once(socket, 'data');
  const sentAt = new Float64Array(65_536);
  const latencies: number[] = [];
  let next = 0;
  let acknowledged = 0;
  let credit = perSecond === undefined ? Infinity : 0;
  const done = Promise.withResolvers<void>();

  const fill = (): void => {
    while (next < total && next - acknowledged < window && credit >= 1 && !socket.writableNeedDrain) {
      const chunk = Buffer.allocUnsafe(writeBytes);
      let at = 0;
      const now = performance.now();
      while (next < total && next - acknowledged < window && credit >= 1) {
        const { packet, idAt, timeAt } = made[next % made.length]!;
        if (at + packet.length > chunk.length) break;
        const packetId = (next % 65_535) + 1;
        packet.copy(chunk, at);
        chunk.writeUInt16BE(packetId, at + idAt);
        chunk.write(String(time++), at + timeAt, 'latin1');
        sentAt[packetId] = now;
        at += packet.length;
        next++;
        credit--;
      }
      socket.write(chunk.subarray(0, at));
    }
  };
  /** PUBACK packets of 3.1.1 have four bytes each, and the broker sends nothing else. */
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    const frames = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const now = perSecond === undefined ? 0 : performance.now();
    let at = 0;
    for (; at + 4 <= frames.length; at += 4) {
      if (frames[at] !== 0x40) throw new Error('a packet that is no PUBACK');
      acknowledged++;
      if (perSecond !== undefined) latencies.push(now - sentAt[frames.readUInt16BE(at + 2)]!);
    }
    rest = frames.subarray(at);
    if (acknowledged >= total) done.resolve();
    else fill();
  });
  socket.on('drain', fill);
  socket.on('close', () => done.resolve());
  const slices =
    perSecond === undefined
      ? undefined
      : setInterval(() => {
          credit = Math.min(credit + (perSecond * sliceMs) / 1000, perSecond);
          fill();
        }, sliceMs);
  const limit = secondsMax === undefined ? undefined : setTimeout(() => done.resolve(), secondsMax * 1000);
  const start = performance.now();
  fill();
  await done.promise;
  clearTimeout(limit);
  clearInterval(slices);
  socket.destroy();
  const report: FloodReport = {
    seconds: (performance.now() - start) / 1000,
    acknowledged,
    latencyP50Ms: quantile(latencies, 0.5),
    latencyP99Ms: quantile(latencies, 0.99),
  };
  process.send!(report);
}
