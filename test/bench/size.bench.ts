import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FloodPublisher } from '#agent/host/flood-publisher.ts';
import { climateRecordings } from '#agent/host/recordings.ts';
import { openSqlite } from '#agent/host/sqlite.ts';
import { BenchAgent, binaryFile, preferredProgram, scratchFolder } from '#test/support/bench-agent.ts';
import type { Bench, BenchResult, BenchRow } from './bench.ts';

interface Observation {
  readonly topic: string;
  readonly mote: number;
  readonly timeMillis: number;
  readonly temperature: number;
  readonly humidity: number;
}

/** The recordings are played this often, each time later, so that fixed costs of the file do not count. */
const laps = 48;
const valuesPerReading = 2;

/** Four motes that take turns, a reading every five seconds each. */
function observations(): Observation[] {
  const recordings = [...climateRecordings().values()];
  const longest = Math.max(...recordings.map((samples) => samples.length));
  const list: Observation[] = [];
  for (let lap = 0; lap < laps; lap++) {
    for (let i = 0; i < longest; i++) {
      for (const samples of recordings) {
        const sample = samples[i];
        if (sample === undefined) continue;
        const { mote, indoor, temperature, humidity } = sample;
        const topic = `site/${indoor ? 'indoor' : 'outdoor'}/mote-${mote}/climate`;
        const timeMillis = 1_700_000_000_000 + (lap * longest + i) * 5_000;
        list.push({ topic, mote, timeMillis, temperature, humidity });
      }
    }
  }
  return list;
}

/** What the buffer's file holds after a clean stop, from MQTT to disk; `free` of it waits for the next readings. */
async function bufferBytes(
  folder: string,
  list: readonly Observation[],
  rollups: { readonly share?: string } = {},
): Promise<{ bytes: number; free: number }> {
  const agent = new BenchAgent({
    program: preferredProgram(),
    folder,
    config: {
      sources: { motes: { type: 'broker', listen: '127.0.0.1:0' } },
      streams: {
        climate: {
          from: ['motes'],
          match: 'site/{place}/{mote}/climate',
          decode: { format: 'json', time: 'ts', time_unit: 'ms' },
        },
      },
      buffer: { size: '512MiB', keep_free: '0%', rollups },
    },
  });
  await agent.start();
  const publisher = new FloodPublisher({
    host: '127.0.0.1',
    port: agent.port('motes'),
    clientId: 'motes',
    total: list.length,
    window: 2_000,
    message: (sequence) => {
      const { topic, timeMillis, temperature, humidity } = list[sequence]!;
      return { topic, payload: JSON.stringify({ ts: timeMillis, temperature, humidity }) };
    },
  });
  publisher.start();
  await publisher.finished();
  await agent.stop();
  const db = openSqlite({ file: agent.databaseFile });
  const free = Number(db.pragma('freelist_count')) * Number(db.pragma('page_size'));
  db.close();
  return { bytes: statSync(agent.databaseFile).size, free };
}

/** A row a reading, in columns of their own. */
function rowBytes(folder: string, list: readonly Observation[]): number {
  const file = join(folder, 'rows.db');
  const db = openSqlite({ file });
  db.exec('CREATE TABLE climate (time INTEGER, topic TEXT, temperature REAL, humidity REAL)');
  const insert = db.prepare('INSERT INTO climate VALUES (?, ?, ?, ?)');
  db.exec('BEGIN');
  for (const { timeMillis, topic, temperature, humidity } of list) {
    insert.run(timeMillis, topic, temperature, humidity);
  }
  db.exec('COMMIT');
  db.close();
  return statSync(file).size;
}

/** As an uplink would send it. */
function ndjsonBytes(list: readonly Observation[]): number {
  let bytes = 0;
  for (const { timeMillis, mote, temperature, humidity } of list) {
    const time = new Date(timeMillis).toISOString();
    const values = { temperature, humidity };
    bytes += JSON.stringify({ stream: 'climate', time, tags: { mote: String(mote) }, values }).length + 1;
  }
  return bytes;
}

async function size(): Promise<readonly BenchResult[]> {
  const list = observations();
  const values = list.length * valuesPerReading;
  const folder = scratchFolder();
  const bareFolder = scratchFolder();
  try {
    const { bytes, free } = await bufferBytes(folder, list);
    const bare = await bufferBytes(bareFolder, list, { share: '0%' });
    const shared = {
      name: 'stored size, whole path, motes',
      figure: bytes / values,
      unit: 'byte/value',
      budget: 4,
      lowerIsBetter: true,
      headline: true,
      note: `${(values / 1e6).toFixed(1)} M values; of the file ${(free / values).toFixed(2)} byte/value are free for the next readings, and some 2 MiB are the journal, however little is stored`,
    };
    return [
      { ...shared, reference: ndjsonBytes(list) / values, referenceName: 'NDJSON' },
      { ...shared, reference: rowBytes(folder, list) / values, referenceName: 'rows in SQLite' },
      {
        ...shared,
        name: 'stored size, whole path, motes, without summaries',
        figure: bare.bytes / values,
        note: '`buffer.rollups.share: 0%`: the rest is what questions about a month are answered from',
        reference: ndjsonBytes(list) / values,
        referenceName: 'NDJSON',
      },
    ];
  } finally {
    for (const each of [folder, bareFolder]) rmSync(each, { recursive: true, force: true });
  }
}

function binary(): readonly BenchRow[] {
  return ['x64', 'arm64'].flatMap((architecture): BenchRow[] => {
    const name = `binary, ${architecture}`;
    const file = join(dist, `sedge-linux-${architecture}`);
    if (!existsSync(file)) return [{ name, skipped: 'not built: npm run build' }];
    const rows = [
      megabytes(name, { file, budget: 125, reference: join(dist, `build/node-${architecture}`) }),
    ];
    const packages = readdirSync(dist).filter(
      (entry) => entry.endsWith('.deb') && entry.includes(architecture === 'x64' ? 'amd64' : architecture),
    );
    for (const entry of packages) {
      rows.push(
        megabytes(`package, ${architecture}`, { file: join(dist, entry), budget: 30, reference: file }),
      );
    }
    return rows;
  });
}

const dist = dirname(binaryFile);

function megabytes(
  name: string,
  { file, budget, reference }: { file: string; budget: number; reference: string },
): BenchResult {
  return {
    name,
    figure: statSync(file).size / 1e6,
    unit: 'MB',
    budget,
    lowerIsBetter: true,
    headline: true,
    ...(existsSync(reference)
      ? { reference: statSync(reference).size / 1e6, referenceName: basename(reference) }
      : {}),
  };
}

/** What `systemd-analyze security` thinks of the unit, 0 to 10. */
function exposure(): BenchRow[] {
  const name = 'systemd: exposure of the unit';
  const unit = fileURLToPath(new URL('../../packaging/sedge.service', import.meta.url));
  const { stdout, error } = spawnSync('systemd-analyze', ['security', '--offline=yes', unit], {
    encoding: 'utf8',
  });
  if (error !== undefined) return [{ name, skipped: 'systemd-analyze is missing (Debian package systemd)' }];
  const figure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
  return [{ name, figure, unit: 'of 10', budget: 1.5, lowerIsBetter: true, headline: true }];
}

export const benches: Bench[] = [
  { name: 'size', run: size },
  { name: 'binary size', run: binary },
  { name: 'systemd exposure', run: exposure },
];
