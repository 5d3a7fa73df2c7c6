import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { symbolFloor } from '#scripts/deb.ts';
import { sharedWritablePages } from '#scripts/elf.ts';
import { root } from '#scripts/steps.ts';
import { arm64Libraries } from './arm64-libraries.ts';
import { build, type Command, hasCommand, titled, Workshop } from './executable.ts';
import { until } from '#test/support/until.ts';
import { newestSymbols } from './symbol-versions.ts';

const isNative = process.arch === 'arm64';
const runs = hasCommand(isNative ? 'strip' : 'aarch64-linux-gnu-strip');
const title = titled('the arm64 executable', { runs, needs: 'binutils-aarch64-linux-gnu' });

/** Emulated, everything takes ten to fifteen times as long. */
const patienceMs = 120_000;

describe.skipIf(!runs)(title, () => {
  let folder = '';
  let built: ReturnType<typeof build>;
  let workshop: Workshop | null = null;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sedge-build-'));
    built = build('arm64', folder);
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach((context) => {
    if ('missing' in built) context.skip(`skipped: ${built.missing}`);
  });
  afterEach(async () => {
    await workshop?.close();
    workshop = null;
  });

  const file = (): string => ('file' in built ? built.file : '');
  /** Why it cannot be run here, or how. */
  const command = (): Command | string => {
    if (isNative) return [file()];
    if (!hasCommand('qemu-aarch64-static')) return 'needs qemu-user-static';
    const libraries = arm64Libraries(join(root, 'dist/build/arm64-libraries'));
    if (libraries === null) return 'Debian’s arm64 packages cannot be had';
    return ['qemu-aarch64-static', '-L', libraries, file()];
  };

  it('is at most 125 MB, safe on large pages, and asks for no newer libraries than the package', () => {
    const addon = join(root, 'node_modules/better-sqlite3/prebuilds/linux-arm64.node');

    expect(statSync(file()).size).toBeLessThanOrEqual(125e6);
    expect(sharedWritablePages(file(), { repair: false })).toBe(0);
    expect(newestSymbols([file(), addon])).toEqual(symbolFloor);
  });

  it('tells its version and validates a configuration', async (context) => {
    const start = command();
    if (typeof start === 'string') return context.skip(`skipped: ${start}`);
    workshop = new Workshop(start);
    workshop.configure({ type: 'broker', listen: '127.0.0.1:0' });

    const version = await workshop.run('version', '--json');
    const validated = await workshop.run('validate');

    expect(JSON.parse(version.stdout)).toMatchObject({ node: process.version.slice(1), arch: 'arm64' });
    expect(validated).toMatchObject({ ended: 0, stdout: 'ok: 1 source, 1 stream, 1 uplink\n' });
  });

  it('takes a recording in, stores it, and delivers it to a file', async (context) => {
    const start = command();
    if (typeof start === 'string') return context.skip(`skipped: ${start}`);
    const shop = new Workshop(start);
    workshop = shop;
    const readings = Array.from({ length: 500 }, (_, n) => JSON.stringify({ n, temp: n / 8 }));
    writeFileSync(shop.path('recording.ndjson'), `${readings.join('\n')}\n`);
    shop.configure({ type: 'replay', path: shop.path('recording.ndjson'), speed: 'max' });

    const running = shop.start(['run']);
    const ended = running.ended.then(({ stderr }) => stderr);
    await until('500 readings delivered', () => shop.delivered().size >= 500, patienceMs);
    const { ended: code } = await running.stop();

    const values = [...shop.delivered().values()].map(({ n }) => Number(n)).toSorted((a, b) => a - b);
    expect(values).toEqual(readings.map((_, n) => n));
    expect(await ended).toContain('operate_ready');
    expect(code).toBe(0);
  });
});
