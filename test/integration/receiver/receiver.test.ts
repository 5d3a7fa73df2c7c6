import { appendFile, mkdir, mkdtemp, readFile, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { Receiver, type ReceiverOptions, parseListen } from '#agent/host/receiver.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sedge-receiver-'));
  ends.push(() => rm(path, { recursive: true }));
  return path;
}

async function start(options: Partial<ReceiverOptions> & { folder: string }): Promise<Receiver> {
  const receiver = new Receiver({ listen: '127.0.0.1:0', ...options });
  await receiver.start();
  ends.push(() => receiver.stop());
  return receiver;
}

const lines = (first: number, count: number): string =>
  Array.from({ length: count }, (_, i) => `{"agent":"a","stream":"s","offset":${first + i}}\n`).join('');

function post(
  receiver: Receiver,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(receiver.url, { method: 'POST', body, headers });
}

test('tells in a summary what arrived and what is missing', async () => {
  const receiver = await start({ folder: await folder() });
  await post(receiver, lines(0, 3));
  await post(receiver, lines(2, 1));
  const answer = await post(receiver, lines(5, 1));

  const summary = await fetch(new URL('/v1/summary', receiver.url));

  expect(await answer.json()).toEqual({ received: 1, duplicates: 0 });
  expect(await summary.json()).toEqual({
    streams: [
      {
        agent: 'a',
        epoch: '',
        stream: 's',
        summaries: 0,
        received: 4,
        duplicates: 1,
        maxOffset: 5,
        missing: 2,
        gaps: [[3, 5]],
      },
    ],
  });
});

test('what was answered is in the files when nobody said goodbye, a torn line is not', async () => {
  const path = await folder();
  const killed = await start({ folder: path });
  await post(killed, lines(0, 5));
  await killed.cut();
  await appendFile(join(path, 'readings-000001.ndjson'), '{"agent":"a","str');

  const again = await start({ folder: path });
  await post(again, lines(4, 2));

  expect(again.summary()).toMatchObject([{ received: 6, duplicates: 1, missing: 0 }]);
  expect(await readFile(join(path, 'readings-000001.ndjson'), 'utf8')).toBe(lines(0, 6));
});

test('files rotate and a restart reads only what the index has not', async () => {
  const path = await folder();
  const receiver = await start({ folder: path, fileBytesMax: 500, indexEveryBytes: 900 });
  for (let i = 0; i < 40; i++) await post(receiver, lines(i * 2, 2));
  await receiver.cut();
  const files = (await readdir(path)).filter((name) => name.endsWith('.ndjson')).sort();
  // Everything before the index is not read again: damage there goes unseen.
  await writeFile(join(path, files[0]!), 'not read\n');

  const again = await start({ folder: path, fileBytesMax: 500, indexEveryBytes: 900 });

  expect(files.length).toBeGreaterThan(3);
  expect(again.summary()).toMatchObject([{ received: 80, missing: 0 }]);
});

test('unpacks gzip and zstd, says so, and refuses other codings and what is not what it says', async () => {
  const receiver = await start({ folder: await folder() });
  const plain = new TextEncoder().encode(lines(0, 4));

  const gzip = await post(receiver, new Uint8Array(gzipSync(plain)), { 'content-encoding': 'gzip' });
  const zstd = await post(receiver, new Uint8Array(zstdCompressSync(plain)), { 'content-encoding': 'zstd' });
  const brotli = await post(receiver, plain, { 'content-encoding': 'br' });
  const liar = await post(receiver, plain, { 'content-encoding': 'gzip' });

  expect([gzip.status, zstd.status, brotli.status, liar.status]).toEqual([200, 200, 415, 400]);
  expect(gzip.headers.get('accept-encoding')).toBe('zstd, gzip');
  expect(receiver.summary()).toMatchObject([{ received: 4, duplicates: 4 }]);
});

test('a bad line refuses the batch with its number; nothing of it is kept', async () => {
  const receiver = await start({ folder: await folder() });

  const answer = await post(receiver, `${lines(0, 2)}{"agent":7}\n`);

  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain('line 3');
  expect(receiver.summary()).toEqual([]);
});

test('the same seed gives the same faults', async () => {
  const story = async (): Promise<number[]> => {
    const receiver = await start({ folder: await folder(), faults: { fail: 0.5 }, seed: 9 });
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) statuses.push((await post(receiver, lines(i, 1))).status);
    return statuses;
  };

  const first = await story();

  expect(await story()).toEqual(first);
  expect(new Set(first)).toEqual(new Set([200, 503]));
});

test('a port that is taken is told in one line', async () => {
  const receiver = await start({ folder: await folder() });
  const { host } = new URL(receiver.url);
  const second = new Receiver({ folder: await folder(), listen: host });

  await expect(second.start()).rejects.toMatchObject({ code: 'SEDGE_LISTEN_FAILED' });
  await second.stop();
});

test('listen addresses are host:port, with brackets around IPv6', () => {
  expect(parseListen('[::1]:80')).toEqual({ host: '::1', port: 80 });
  expect(parseListen(':8080')).toEqual({ host: '0.0.0.0', port: 8080 });
  expect(() => parseListen('localhost')).toThrow(/is not host:port/);
  expect(() => parseListen('a:99999')).toThrow(/is not host:port/);
});

test('answers 503 while no new file can be begun, and takes the same readings once it can', async () => {
  const path = await folder();
  const receiver = await start({ folder: path, fileBytesMax: 50 });
  await post(receiver, lines(0, 1));
  await mkdir(join(path, 'readings-000002.ndjson'));

  const refused = await post(receiver, lines(1, 1));
  const refusedAgain = await post(receiver, lines(1, 1));
  await rmdir(join(path, 'readings-000002.ndjson'));
  const taken = await post(receiver, lines(1, 1));

  expect([refused.status, refusedAgain.status, taken.status]).toEqual([503, 503, 200]);
  expect(await refused.json()).toEqual({ error: expect.stringContaining('EISDIR') });
  expect(await readFile(join(path, 'readings-000002.ndjson'), 'utf8')).toBe(lines(1, 1));
});

test('goes on when its index cannot be written, and says so', async () => {
  const path = await folder();
  const told: string[] = [];
  const receiver = await start({ folder: path, indexEveryBytes: 10, trouble: (text) => told.push(text) });
  await mkdir(join(path, 'index.json.new'));

  expect((await post(receiver, lines(0, 2))).status).toBe(200);
  expect((await post(receiver, lines(2, 2))).status).toBe(200);
  await receiver.stop();

  expect(told[0]).toContain('the index could not be written: EISDIR');
  await rmdir(join(path, 'index.json.new'));
  const again = await start({ folder: path });
  expect(again.summary()).toMatchObject([{ received: 4, missing: 0 }]);
});

test('says in one line that its folder is a file, or holds what it did not write', async () => {
  const path = await folder();
  const file = join(path, 'file');
  await writeFile(file, '');
  await mkdir(join(path, 'foreign'));
  await writeFile(join(path, 'foreign', 'readings-000001.ndjson'), `${lines(0, 2)}shopping list\n`);

  await expect(start({ folder: file })).rejects.toMatchObject({
    code: 'SEDGE_CLI_USAGE',
    message: `cannot keep readings in ${file}: it is not a folder`,
  });
  await expect(start({ folder: join(path, 'foreign') })).rejects.toMatchObject({
    code: 'SEDGE_DATA_CORRUPT',
    message: expect.stringContaining('readings-000001.ndjson holds a line that is not a reading, at byte '),
  });
});

test('a port that is taken leaves nothing open', async () => {
  const taken = await start({ folder: await folder() });
  const { port } = new URL(taken.url);
  const path = await folder();

  await expect(start({ folder: path, listen: `127.0.0.1:${port}` })).rejects.toMatchObject({
    code: 'SEDGE_LISTEN_FAILED',
  });

  expect(await readdir(path)).toContain('index.json');
});
