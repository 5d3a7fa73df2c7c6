import { Agent, request } from 'node:http';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fillBacklog, telemetry } from '#test/support/bench-backlog.ts';
import { BenchAgent, preferredProgram, scratchFolder } from '#test/support/bench-agent.ts';
import { cpuSeconds } from '#test/support/bench-process.ts';
import { until } from '#test/support/until.ts';
import { BenchReceiver } from '#test/support/bench-receiver.ts';
import { encodeNdjsonBytes } from '#agent/reading/encode-ndjson.ts';
import { sliceBatch } from '#agent/reading/batch.ts';
import type { Bench, BenchResult } from './bench.ts';

const readings = 1_000_000;
/** What the reference posts: enough to tell the receiver's speed. */
const referenceReadings = 204_800;
/** The uplink's defaults. */
const batchReadings = 500;
const inFlight = 4;

async function drain(): Promise<readonly BenchResult[]> {
  const program = preferredProgram();
  const receiver = await BenchReceiver.start();
  const folder = scratchFolder();
  const filled = fillBacklog(join(folder, 'data'), { readings, batch: telemetry, synced: false });
  filled.close();
  const total = filled.readings;
  const agent = new BenchAgent({
    program,
    folder,
    config: {
      streams: { vibration: {} },
      buffer: { size: '2GiB', keep_free: '0%' },
      uplinks: { cloud: { type: 'http', url: receiver.url } },
    },
  });
  try {
    const bare = await bareRate(receiver.url);
    await agent.start();
    const began = performance.now();
    const delivered = async (): Promise<number> => (await agent.status()).uplinks[0]!.delivered;
    await until('the backlog to drain', async () => (await delivered()) >= total, 120_000);
    const seconds = (performance.now() - began) / 1000;
    const cpu = (cpuSeconds(agent.pid) / total) * 1e6;
    return [
      {
        name: `drain of 1 M readings, ${program.name}`,
        figure: total / seconds,
        unit: 'readings/s',
        reference: bare,
        referenceName: 'the same lines made beforehand, posted uncompressed',
        note: `${cpu.toFixed(1)} CPU s of the agent a million`,
      },
    ];
  } finally {
    await agent.stop();
    await receiver.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bareRate(url: string): Promise<number> {
  const bodies: Uint8Array[] = [];
  const keys: string[] = [];
  for (let first = 0; first < referenceReadings;) {
    const whole = telemetry(first);
    for (let at = 0; at < whole.length; at += batchReadings) {
      const batch = sliceBatch(whole, at, Math.min(at + batchReadings, whole.length));
      bodies.push(
        encodeNdjsonBytes({ agent: 'bare', epoch: '5eed5eed5eed5eed', batch, first, fidelity: 'raw' }),
      );
      keys.push(`bare/vibration/${first}-${first + batch.length - 1}`);
      first += batch.length;
    }
  }
  const connections = new Agent({ keepAlive: true, maxSockets: inFlight });
  let next = 0;
  const began = performance.now();
  const worker = async (): Promise<void> => {
    for (let i = next++; i < bodies.length; i = next++) {
      await post(url, { body: bodies[i]!, key: keys[i]!, connections });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - began) / 1000;
  connections.destroy();
  return referenceReadings / seconds;
}

function post(url: string, options: { body: Uint8Array; key: string; connections: Agent }): Promise<void> {
  const { body, key, connections } = options;
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-ndjson', 'idempotency-key': key };
    const sent = request(url, { method: 'POST', agent: connections, headers }, (answer) => {
      answer.resume();
      if (answer.statusCode !== 200 && answer.statusCode !== 204) {
        reject(new Error(`the receiver answered ${answer.statusCode}`));
      }
      answer.on('end', resolve);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export const benches: Bench[] = [{ name: 'drain', secondsMax: 120, run: drain }];
