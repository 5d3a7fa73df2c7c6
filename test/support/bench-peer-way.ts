import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { scratchFolder } from './bench-agent.ts';
import type { BenchFlood } from './bench-flood.ts';
import type { BenchMosquitto } from './bench-mosquitto.ts';
import type { Peer } from './bench-peers.ts';
import { cpuSeconds, ended, listens } from './bench-process.ts';
import { freePort } from './free-port.ts';
import { type Way, measured } from './bench-ways.ts';
import { pause, until } from './until.ts';

const startMsMax = 60_000;
const runMsMax = 120_000;
const pollMs = 20;
/** Messages under way to one that listens: with 5,000 of them Fluent Bit came to no end of a flood of 40,000. */
const listenerWindow = 500;
const tailChars = 20_000;
/** Of the messages of the flood hardly one in a hundred repeats the temperature before it. */
const keptShareMin = 0.97;

/** Lines of a file that grows, counted as they come. */
class GrowingLines {
  readonly #file: string;
  readonly #chunk = Buffer.allocUnsafe(1024 * 1024);
  #handle: number | null = null;
  lines = 0;
  /** The last of what was read. */
  tail = '';

  constructor(file: string) {
    this.#file = file;
  }

  /** Answers whether there were more. */
  read(): boolean {
    const before = this.lines;
    if (this.#handle === null) {
      if (!existsSync(this.#file)) return false;
      this.#handle = openSync(this.#file, 'r');
    }
    for (;;) {
      const length = readSync(this.#handle, this.#chunk, 0, this.#chunk.length, null);
      if (length === 0) return this.lines > before;
      const bytes = this.#chunk.subarray(0, length);
      for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) this.lines++;
      this.tail = (this.tail + bytes.subarray(-tailChars).toString('latin1')).slice(-tailChars);
    }
  }

  close(): void {
    if (this.#handle !== null) closeSync(this.#handle);
    this.#handle = null;
  }
}

/** Another agent on the same broker, in a process of its own that lives through all runs. @throws when it does not do its stages. */
export async function throughPeerAgent(
  peer: Peer,
  mosquitto: BenchMosquitto,
  flood: BenchFlood,
): Promise<Way> {
  const folder = scratchFolder();
  const prefix = `peer${process.hrtime.bigint()}`;
  const output = join(mkdtempSync(join(folder, 'out-')), 'lines');
  const freePorts = [await freePort(), await freePort()] as const;
  const [command, ...words] = peer.prepare({ folder, brokerPort: mosquitto.port, prefix, freePorts, output });
  const child = spawn(command, words, { stdio: ['ignore', 'inherit', 'inherit'], cwd: folder });
  const broker = peer.listens === true ? null : mosquitto;
  const port = broker?.port ?? freePorts[0];
  const found = new GrowingLines(output);
  const stop = async (): Promise<void> => {
    found.close();
    await ended(child, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await proveStages({ peer, child, found, prefix, port });
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    name: peer.name,
    kind: 'peer',
    warmMessages: 10_000,
    stop,
    run: async (messages) => {
      const before = found.lines;
      const work = async (): Promise<number> => {
        const published = flood.run({
          port,
          total: messages,
          prefix,
          ...(broker === null ? { window: listenerWindow } : {}),
        });
        const last = await quiet(found, { until: before + messages, quietMs: peer.quietMs, child });
        const { acknowledged } = await published;
        if (acknowledged < messages)
          throw new Error(`${peer.name} acknowledged ${acknowledged} of ${messages} messages`);
        return last;
      };
      const run = await measured({ messages, cpu: () => cpuSeconds(child.pid!), broker }, work);
      const share = (found.lines - before) / messages;
      if (share < keptShareMin || share > 1)
        throw new Error(`${peer.name}: ${found.lines - before} lines came of ${messages} messages`);
      return run;
    },
  };
}

/** Answers the instant of the last line. */
async function quiet(
  found: GrowingLines,
  limits: { until: number; quietMs: number; child: ChildProcess },
): Promise<number> {
  const began = performance.now();
  let last = began;
  const few = found.lines + (limits.until - found.lines) * keptShareMin;
  while (found.lines < limits.until) {
    if (limits.child.exitCode !== null || performance.now() - began > runMsMax) break;
    if (found.lines > few && performance.now() - last > limits.quietMs) break;
    if (found.read()) last = performance.now();
    await pause(pollMs);
  }
  return last;
}

/** Of four messages, three of which a stage takes out, one must come with its temperature calibrated. */
async function proveStages(probe: {
  peer: Peer;
  child: ChildProcess;
  found: GrowingLines;
  prefix: string;
  port: number;
}): Promise<void> {
  const { peer, child, found, prefix, port } = probe;
  await until(`${peer.name} to listen`, () => listens(port), startMsMax);
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`);
  const send = (machine: string, reading: object): Promise<unknown> =>
    client.publishAsync(
      `${prefix}/p1/${machine}/telemetry`,
      JSON.stringify({
        ts: 1_700_000_000_000,
        rms: 0.5,
        mode: 'auto',
        batch: 'lot',
        note: machine,
        ...reading,
      }),
      { qos: 1 },
    );
  try {
    await until(
      `${peer.name} to take a message`,
      async () => {
        if (child.exitCode !== null) throw new Error(`${peer.name} ended with ${child.exitCode}`);
        await send('probe', { temp: performance.now(), ok: true });
        await pause(200);
        return found.read();
      },
      startMsMax,
    );
    while (await grew(found, peer.quietMs));
    await send('other', { temp: 1234, ok: false });
    await send('other', { temp: -500, ok: true });
    await send('other', { temp: 1234, ok: true });
    await send('other', { temp: 1234, ok: true });
    // Some write when they have a page full.
    for (let temp = 100; temp < 140; temp++) await send('filler', { temp, ok: true });
    while (await grew(found, peer.quietMs));
    const lines = found.tail.split('\n').filter((line) => line.includes('other'));
    if (lines.length !== 1 || !/\b121\.4/.test(lines[0]!))
      throw new Error(`${peer.name} gave ${lines.length} lines, and not one of 121.4: ${lines.join('; ')}`);
  } finally {
    await client.endAsync(true);
  }
}

async function grew(found: GrowingLines, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs;
  while (performance.now() < end) {
    await pause(pollMs);
    if (found.read()) return true;
  }
  return false;
}
