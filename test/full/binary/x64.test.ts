import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { symbolFloor } from '#scripts/deb.ts';
import { sharedWritablePages } from '#scripts/elf.ts';
import { root } from '#scripts/steps.ts';
import { build, hasCommand, titled, Workshop } from './executable.ts';
import { until } from '#test/support/until.ts';
import { newestSymbols } from './symbol-versions.ts';

const runs = process.arch === 'x64' && hasCommand('strip');
const broker = { type: 'broker', listen: '127.0.0.1:0' };
const addon = join(root, 'node_modules/better-sqlite3/prebuilds/linux-x64.node');

const title = titled('the x64 executable', { runs, needs: 'an x64 host with binutils' });

describe.skipIf(!runs)(title, () => {
  let folder = '';
  let file = '';
  let workshop: Workshop;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sedge-build-'));
    const built = build('x64', folder);
    if ('missing' in built) throw new Error(built.missing);
    ({ file } = built);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(() => {
    workshop = new Workshop([file]);
  });
  afterEach(() => workshop.close());

  const publish = async (address: string, from: number, count: number): Promise<void> => {
    const client = await connectAsync(`mqtt://${address}`, { reconnectPeriod: 0 });
    const numbers = Array.from({ length: count }, (_, index) => from + index);
    await Promise.all(numbers.map((n) => client.publishAsync('plant/a', JSON.stringify({ n }), { qos: 1 })));
    await client.endAsync(true);
  };
  /** Beside the code that was compiled and the configuration that was kept. */
  const addons = (): string[] =>
    readdirSync(workshop.path('cache')).filter((name) => name !== 'compiled' && name !== 'configuration');
  const unpacked = (): string => join(workshop.path('cache'), addons()[0] ?? '');

  it('is at most 125 MB and safe on large pages', () => {
    expect(statSync(file).size).toBeLessThanOrEqual(125e6);
    expect(sharedWritablePages(file, { repair: false })).toBe(0);
  });

  it('holds no name of the folder it was built in', () => {
    const bytes = readFileSync(file);

    expect(bytes.includes(folder)).toBe(false);
    // The name of a short folder stands in any program by chance; with what lies in it, it does not.
    for (const inside of ['agent', 'node_modules']) expect(bytes.includes(join(root, inside))).toBe(false);
  });

  it('asks for no newer libraries than the package depends on', () => {
    expect(newestSymbols([file, addon])).toEqual(symbolFloor);
  });

  it('tells its version and validates configurations', async () => {
    workshop.configure(broker);
    const version = await workshop.run('version', '--json');
    const good = await workshop.run('validate');
    writeFileSync(workshop.path('sedge.yaml'), 'sauces: {}\n');
    const bad = await workshop.run('validate');

    expect(JSON.parse(version.stdout)).toMatchObject({ node: process.version.slice(1), arch: 'x64' });
    expect(good).toMatchObject({ ended: 0, stdout: 'ok: 1 source, 1 stream, 1 uplink\n', stderr: '' });
    expect(bad.ended).toBe(78);
    expect(bad.stdout).toContain('sedge.yaml:1:1');
    expect(bad.stdout).toContain('sources');
  });

  it('tells the demo’s story and loses nothing', async () => {
    const { ended, stdout } = await workshop.run('demo', '--story');

    expect(stdout).toMatch(/ 0 lost, \d+ twice; ledger balanced/);
    expect(ended).toBe(0);
  });

  it('delivers everything it acknowledged, killed in between', async () => {
    workshop.configure(broker);
    const first = workshop.start(['run']);
    await publish((await first.ready())['source:in'] ?? '', 0, 200);
    await first.kill();
    const second = workshop.start(['run']);
    await publish((await second.ready())['source:in'] ?? '', 200, 50);
    await until('250 readings delivered', () => workshop.delivered().size === 250);
    const { ended } = await second.stop();

    const numbers = [...workshop.delivered().values()].map(({ n }) => Number(n));
    expect(new Set(numbers)).toEqual(new Set(Array.from({ length: 250 }, (_, n) => n)));
    expect(ended).toBe(0);
  });

  it('keeps to itself what its libraries still use of Node', async () => {
    workshop.configure(broker, { type: 'mqtt', url: 'mqtt://127.0.0.1:1', topic: 't' });
    const running = workshop.start(['run']);
    const listen = await running.ready();
    await publish(listen['source:in'] ?? '', 0, 1);
    await until('the uplink to be tried', async () => {
      const status = await (await fetch(`http://${listen['api']}/v1/status`)).text();
      return status.includes('"state":"down"');
    });

    const { stderr } = await running.stop();

    expect(stderr).toContain('uplink_down');
    expect(stderr).not.toContain('DeprecationWarning');
  });

  it('obeys no NODE_OPTIONS', async () => {
    const evil = workshop.path('evil.cjs');
    writeFileSync(evil, `require('node:fs').writeFileSync(${JSON.stringify(workshop.path('owned'))}, '')`);

    const { ended, stderr } = await workshop.runIn(
      { NODE_OPTIONS: `--require ${evil} --inspect-brk=127.0.0.1:0` },
      'version',
    );

    expect({ ended, stderr }).toEqual({ ended: 0, stderr: '' });
    expect(readdirSync(workshop.folder)).not.toContain('owned');
  });

  it('unpacks its addon once, under the hash of its content, for nobody else', async () => {
    workshop.configure(broker);
    const first = workshop.start(['run']);
    await first.ready();
    await first.stop();
    const before = statSync(unpacked());
    const second = workshop.start(['run']);
    await second.ready();
    await second.stop();

    const hash = createHash('sha256').update(readFileSync(addon)).digest('hex');
    expect(addons()).toEqual([`better_sqlite3-${hash.slice(0, 32)}.node`]);
    expect(before.mode & 0o777).toBe(0o500);
    expect(statSync(workshop.path('cache')).mode & 0o777).toBe(0o700);
    expect(statSync(unpacked()).mtimeMs).toBe(before.mtimeMs);
  });

  it('replaces an addon that was tampered with, and what a crash left beside it', async () => {
    workshop.configure(broker);
    const first = workshop.start(['run']);
    await first.ready();
    await first.stop();
    chmodSync(unpacked(), 0o700);
    writeFileSync(unpacked(), 'not what was unpacked');

    const second = workshop.start(['run']);
    // What a process of the same id, as every one in a container has, was writing when it was killed.
    writeFileSync(`${unpacked()}.${second.pid}`, 'half');
    await second.ready();
    await second.stop();

    expect(readFileSync(unpacked()).equals(readFileSync(addon))).toBe(true);
    expect(addons()).toHaveLength(1);
  });

  it.each([
    ['cannot be made', () => '/proc/nowhere', 'ENOENT'],
    [
      'is a file',
      () => {
        writeFileSync(workshop.path('cache'), '');
        return workshop.path('cache/below');
      },
      'ENOTDIR',
    ],
    [
      'others may write to',
      () => {
        const shared = workshop.makeFolder('shared', 0o700);
        chmodSync(shared, 0o777);
        return shared;
      },
      'others may write there (mode 777)',
    ],
  ])('says in one line that a cache folder %s', async (_, make, why) => {
    workshop.configure(broker);
    const cache = make();

    const { ended, stderr, stdout } = await workshop.runIn({ CACHE_DIRECTORY: cache }, 'run');

    const [line, hint] = stderr.split('\n');
    expect(line).toContain(`cannot unpack the SQLite addon to ${cache}: ${why}`);
    expect(hint).toMatch(/^ {2}SEDGE_HOST_PERMISSION: set CACHE_DIRECTORY to a folder of your own/);
    expect([ended, stdout, stderr.split('\n').length]).toEqual([77, '', 3]);
  });

  it('says in one line that a cache folder is on a noexec mount', async (context) => {
    workshop.configure(broker);
    const point = workshop.makeFolder(`no exec`, 0o700);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'noexec,size=16m,mode=700', 'none', point], {
        stdio: 'ignore',
      });
    } catch {
      context.skip('skipped: this host does not let us mount');
    }

    const { ended, stderr } = await workshop
      .runIn({ CACHE_DIRECTORY: join(point, 'sedge') }, 'run')
      .finally(() => execFileSync('umount', [point]));

    expect(stderr).toContain(`${basename(point)}/sedge: its file system is mounted noexec`);
    expect([ended, stderr.split('\n').length]).toEqual([77, 3]);
  });
});
