import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { root } from '#scripts/steps.ts';
import { build, hasCommand, titled, Workshop } from './executable.ts';
import { until } from '#test/support/until.ts';
import { ServiceManager } from '#test/support/service-manager.ts';

const unit = join(root, 'packaging/sedge.service');
const hasAnalyze = hasCommand('systemd-analyze');

describe.skipIf(!hasAnalyze)(
  titled('the systemd unit', { runs: hasAnalyze, needs: 'systemd-analyze' }),
  () => {
    it('is exposed at most 1.5 of 10', () => {
      const said = execFileSync('systemd-analyze', ['security', '--offline=yes', unit], { encoding: 'utf8' });

      expect(Number(/Overall exposure level for \S+: ([\d.]+)/.exec(said)?.[1])).toBeLessThanOrEqual(1.5);
    });

    it('is understood whole', () => {
      const system = mkdtempSync(join(tmpdir(), 'sedge-unit-'));
      const programs = readFileSync(unit, 'utf8').matchAll(/^Exec\w+=(\/\S+)/gm);
      for (const [, program = ''] of programs) {
        mkdirSync(join(system, dirname(program)), { recursive: true });
        writeFileSync(join(system, program), '#!/bin/sh\n', { mode: 0o755 });
      }
      mkdirSync(join(system, 'lib/systemd/system'), { recursive: true });
      copyFileSync(unit, join(system, 'lib/systemd/system/sedge.service'));
      for (const target of ['sysinit', 'basic', 'shutdown', 'network', 'time-sync', 'multi-user'])
        writeFileSync(join(system, `lib/systemd/system/${target}.target`), '[Unit]\nDescription=x\n');

      const said = execFileSync(
        'sh',
        [
          '-c',
          'systemd-analyze verify --man=no --recursive-errors=no --root="$1" sedge.service 2>&1',
          'sh',
          system,
        ],
        { encoding: 'utf8' },
      );
      rmSync(system, { recursive: true });

      expect(said).toBe('');
    });
  },
);

const runs = process.arch === 'x64' && hasCommand('strip') && hasCommand('python3');

describe.skipIf(!runs)(
  titled('the executable as a service', { runs, needs: 'x64, binutils and python3, which plays systemd' }),
  () => {
    let folder = '';
    let workshop: Workshop;
    let manager: ServiceManager;

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'sedge-build-'));
      const built = build('x64', folder);
      if ('missing' in built) throw new Error(built.missing);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    beforeEach(async () => {
      workshop = new Workshop([join(folder, 'sedge-linux-x64')]);
      workshop.configure({ type: 'broker', listen: '127.0.0.1:0' });
      manager = new ServiceManager(workshop.path('notify'));
      await manager.bound();
    });
    afterEach(async () => {
      manager.stop();
      await workshop.close();
    });

    it('tells when it is ready, feeds the watchdog, reloads, and says that it stops', async () => {
      const running = workshop.start(['run'], {
        NOTIFY_SOCKET: workshop.path('notify'),
        WATCHDOG_USEC: '600000',
      });
      await until('READY=1', () => manager.count('READY=1') === 1);
      await until('three WATCHDOG=1', () => manager.count('WATCHDOG=1') >= 3);
      running.signal('SIGHUP');
      await until('READY=1 after a reload', () => manager.count('READY=1') === 2);
      const { ended } = await running.stop();
      await until('STOPPING=1', () => manager.count('STOPPING=1') === 1);

      const told = manager.heard.flatMap((message) => message.split('\n'));
      const milestones = told.filter((one) => /^(READY|RELOADING|STOPPING)=1$/.test(one));
      expect(milestones).toEqual(['READY=1', 'RELOADING=1', 'READY=1', 'STOPPING=1']);
      expect(told.some((one) => /^MONOTONIC_USEC=\d+$/.test(one))).toBe(true);
      expect(ended).toBe(0);
    });

    it('ends 78 on a wrong configuration, which systemd does not try again, and was never ready', async () => {
      writeFileSync(workshop.path('sedge.yaml'), 'agent: { id: "" }\n');

      const { ended, stderr } = await workshop.runIn({ NOTIFY_SOCKET: workshop.path('notify') }, 'run');

      expect(ended).toBe(78);
      expect(stderr).toContain('sedge.yaml:1:14');
      expect(manager.heard).toEqual([]);
      expect(readFileSync(unit, 'utf8')).toMatch(/^RestartPreventExitStatus=78$/m);
    });

    it('keeps its configuration for the next start, which follows a change all the same', async () => {
      const config = JSON.parse(readFileSync(workshop.path('sedge.yaml'), 'utf8')) as object;
      const configure = (level: 'debug' | 'info'): void => {
        const changed = { ...config, log: { level } };
        writeFileSync(workshop.path('sedge.yaml'), JSON.stringify(changed));
      };
      const kept = workshop.makeFolder('cache', 0o700);
      const file = join(kept, 'configuration');
      const start = async (): Promise<string> => {
        const running = workshop.start(['run'], { NOTIFY_SOCKET: workshop.path('notify') });
        await running.ready();
        await until('a configuration to be kept', () => existsSync(file));
        return (await running.stop()).stderr;
      };
      configure('debug');
      await start();
      const { ino } = statSync(file);

      const same = await start();
      const inoOfSame = statSync(file).ino;
      writeFileSync(file, 'nonsense');
      const damaged = await start();
      configure('info');
      const changed = await start();

      expect(same).not.toContain('config.kept_unusable');
      expect(inoOfSame).toBe(ino);
      expect(damaged).toContain('config.kept_unusable');
      expect(damaged).toContain('level=debug');
      expect(changed).not.toContain('level=debug');
    });

    it('writes to the folders that the unit gives it and to no other', async () => {
      const shop = workshop;
      const running = shop.start(['run', '--data', shop.path('state')], {
        CACHE_DIRECTORY: shop.path('cache'),
        HOME: '/nonexistent',
      });
      await running.ready();
      const files = execFileSync('find', [shop.folder, '-mindepth', '1', '-maxdepth', '1'], {
        encoding: 'utf8',
      });
      const { ended } = await running.stop();

      const names = files
        .trim()
        .split('\n')
        .map((path) => path.slice(shop.folder.length + 1));
      expect(names.toSorted()).toEqual(['cache', 'notify', 'sedge.yaml', 'state']);
      expect(ended).toBe(0);
    });
  },
);
