import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { fstatSync, openSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { micros, millis } from '#agent/base/units.ts';
import { HostClock } from '#agent/host/clock.ts';
import { HostEntropy } from '#agent/host/entropy.ts';
import { openUnixDatagram, readClockDiscipline } from '#agent/host/ffi.ts';
import { HostFiguresReader } from '#agent/host/host-figures.ts';
import { type LineStream, logDestination, LogStream } from '#agent/host/log-stream.ts';
import { serviceManagerOf } from '#agent/host/sd-notify.ts';
import { noServiceManager } from '#agent/operate/service-manager.ts';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sedge-operate-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Binds an AF_UNIX datagram socket and prints what arrives, one JSON text a message. */
const receiver = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
p = sys.argv[1]
s.bind('\\0' + p[1:] if p.startswith('@') else p)
print('bound', flush=True)
while True:
    print(json.dumps(s.recv(65536).decode()), flush=True)
`;

const hasPython = await new Promise<boolean>((resolve) => {
  const probe = spawn('python3', ['-c', 'import socket; socket.AF_UNIX'], { stdio: 'ignore' });
  probe.once('error', () => resolve(false));
  probe.once('exit', (code) => resolve(code === 0));
});

async function listenAt(path: string) {
  const child = spawn('python3', ['-c', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('bound');
  return {
    next: async () => JSON.parse((await lines.next()).value as string) as string,
    stop: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

describe.skipIf(!hasPython)(
  'sd_notify (skipped where python3 is absent: it plays the service manager)',
  () => {
    it.each(['path', 'abstract'])('reaches a real datagram socket by %s', async (kind) => {
      const path =
        kind === 'path' ? join(folder, 'notify') : `@sedge-${process.pid}-${Math.trunc(performance.now())}`;
      const systemd = await listenAt(path);
      const manager = serviceManagerOf({
        environment: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) },
        pid: process.pid,
      });

      manager.notify(['READY=1', 'STATUS=3 readings, 61 °C']);
      const ready = await systemd.next();
      manager.notify(['WATCHDOG=1']);
      const watchdog = await systemd.next();
      await systemd.stop();
      manager.notify(['WATCHDOG=1']);

      expect(ready).toBe('READY=1\nSTATUS=3 readings, 61 °C');
      expect(watchdog).toBe('WATCHDOG=1');
      expect(manager.watchdogMs).toBe(30_000);
      expect(manager.monotonicMicros()).toBeGreaterThan(0n);
    });

    it('falls back to the systemd-notify command', async (context) => {
      const found = await new Promise<boolean>((resolve) => {
        const probe = spawn('systemd-notify', ['--version'], { stdio: 'ignore' });
        probe.once('error', () => resolve(false));
        probe.once('exit', () => resolve(true));
      });
      if (!found) context.skip('systemd-notify is not installed');
      const path = join(folder, 'notify');
      const systemd = await listenAt(path);
      process.env['NOTIFY_SOCKET'] = path;

      serviceManagerOf({ environment: { NOTIFY_SOCKET: path }, pid: 1, open: () => null }).notify([
        'STATUS=by command',
      ]);
      const heard = await systemd.next();
      delete process.env['NOTIFY_SOCKET'];
      await systemd.stop();

      expect(heard).toContain('STATUS=by command');
    });
  },
);

describe('serviceManagerOf', () => {
  it('is nobody where no socket is named', () => {
    expect(serviceManagerOf({ environment: {}, pid: 1 })).toBe(noServiceManager);
    expect(serviceManagerOf({ environment: { NOTIFY_SOCKET: 'vsock:2:1' }, pid: 1 })).toBe(noServiceManager);
  });

  it.each([
    [{ WATCHDOG_USEC: '4000000' }, 4_000],
    [{ WATCHDOG_USEC: '4000000', WATCHDOG_PID: '7' }, 4_000],
    [{ WATCHDOG_USEC: '4000000', WATCHDOG_PID: '8' }, null],
    [{ WATCHDOG_USEC: 'soon' }, null],
    [{}, null],
  ])('reads its watchdog from %j', (more, watchdogMs) => {
    const environment = { NOTIFY_SOCKET: join(folder, 'nobody'), ...more };

    expect(serviceManagerOf({ environment, pid: 7, open: () => null }).watchdogMs).toBe(watchdogMs);
  });

  it('does not mind that nobody listens, nor a path that is too long', () => {
    const nobody = openUnixDatagram(join(folder, 'nobody'));

    expect(nobody?.send(Buffer.from('READY=1')) ?? false).toBe(false);
    nobody?.close();
    nobody?.close();
    expect(nobody?.send(Buffer.from('READY=1')) ?? false).toBe(false);
    expect(openUnixDatagram(`/${'x'.repeat(108)}`)).toBeNull();
  });
});

describe('HostFiguresReader', () => {
  it('reads what this machine tells', async () => {
    const figures = await new HostFiguresReader({ dataFolder: folder }).sample();

    expect(figures.diskFreeBytes).toBeGreaterThan(0);
    expect(figures.diskSizeBytes).toBeGreaterThanOrEqual(figures.diskFreeBytes!);
    expect(figures.memoryAvailableBytes).toBeLessThanOrEqual(figures.memorySizeBytes!);
    expect(figures.process.residentBytes).toBeGreaterThan(1_000_000);
    expect(figures.process.openDescriptors).toBeGreaterThan(2);
    expect(figures.process.virtualBytes).toBeGreaterThan(figures.process.residentBytes);
  });

  it('reads sensors, throttling and model of a Raspberry Pi', async () => {
    const files = {
      'sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n',
      'sys/class/thermal/thermal_zone0/temp': '61322\n',
      'sys/class/thermal/thermal_zone1/type': 'battery\n',
      'sys/class/thermal/thermal_zone1/temp': '99000\n',
      'sys/devices/platform/soc/soc:firmware/get_throttled': '50005\n',
      'proc/device-tree/model': 'Raspberry Pi 4 Model B Rev 1.4\0',
    };
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(folder, name, '..'), { recursive: true });
      await writeFile(join(folder, name), content);
    }

    const figures = await new HostFiguresReader({ dataFolder: folder, root: folder }).sample();

    expect(figures.temperatureCelsius).toBe(61.322);
    expect(figures.throttled).toEqual(['under_voltage', 'throttled']);
    expect(figures.model).toBe('Raspberry Pi 4 Model B Rev 1.4');
  });

  it('falls back to hardware monitors, and to nothing', async () => {
    await mkdir(join(folder, 'sys/class/hwmon/hwmon0'), { recursive: true });
    await writeFile(join(folder, 'sys/class/hwmon/hwmon0/name'), 'coretemp\n');
    await writeFile(join(folder, 'sys/class/hwmon/hwmon0/temp1_input'), '40000\n');
    await writeFile(join(folder, 'sys/class/hwmon/hwmon0/temp2_input'), '45500\n');

    const some = await new HostFiguresReader({ dataFolder: folder, root: folder }).sample();
    const none = await new HostFiguresReader({
      dataFolder: join(folder, 'gone'),
      root: join(folder, 'gone'),
    }).sample();

    expect(some.temperatureCelsius).toBe(45.5);
    expect([none.temperatureCelsius, none.throttled, none.diskFreeBytes, none.model]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('reads the discipline of the clock where the kernel lets it', () => {
    const discipline = readClockDiscipline();

    expect([true, false, undefined]).toContain(discipline?.synchronized);
  });
});

describe('log destination', () => {
  it('is the journal exactly when $JOURNAL_STREAM names the stream', async () => {
    const descriptor = openSync(join(folder, 'log'), 'w');
    const { dev, ino } = fstatSync(descriptor);

    const journal = logDestination({ JOURNAL_STREAM: `${dev}:${ino}` }, { fd: descriptor });
    const other = logDestination({ JOURNAL_STREAM: `${dev}:${ino + 1}` }, { fd: descriptor });
    const terminal = logDestination({}, { fd: descriptor, isTTY: true });
    const plain = logDestination({ NO_COLOR: '1' }, { fd: descriptor, isTTY: true });
    closeSync(descriptor);

    expect([journal.isJournal, other.isJournal]).toEqual([true, false]);
    expect([journal.hasColour, terminal.hasColour, plain.hasColour]).toEqual([false, true, false]);
  });

  it('gives lines up, and nothing else, when nobody reads', () => {
    const written: string[] = [];
    let fail: (error: Error) => void = () => undefined;
    const stream = {
      writableLength: 0,
      write: (text: string) => written.push(text) > 0,
      on: (_: 'error', listener: (error: Error) => void) => {
        fail = listener;
      },
    } satisfies LineStream;
    const sink = new LogStream(stream);

    const outcomes = [sink.write('one')];
    stream.writableLength = 1_000_000;
    outcomes.push(sink.write('two'));
    stream.writableLength = 0;
    outcomes.push(sink.write('three'));
    fail(new Error('EPIPE'));
    outcomes.push(sink.write('four'));

    expect(outcomes).toEqual([true, false, true, false]);
    expect(written).toEqual(['one\n', 'three\n']);
  });
});

describe('HostClock', () => {
  it('never rings early and not after it was cancelled', async () => {
    const clock = new HostClock();
    const started = clock.monotonic();
    let cancelled = true;
    const alarm = clock.after(millis(5), () => {
      cancelled = false;
    });
    alarm.cancel();
    alarm.cancel();

    // An alarm keeps no process alive; this timer does.
    const keeper = setInterval(() => undefined, 1_000);
    await new Promise<void>((resolve) => {
      clock.after(millis(12.5), resolve);
    });
    clearInterval(keeper);

    expect(clock.monotonic() - started).toBeGreaterThanOrEqual(12.5);
    expect(cancelled).toBe(true);
  });

  it('asks no timer for more than one lasts, and does not ring at once', async () => {
    const clock = new HostClock();
    const warnings: string[] = [];
    const warned = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', warned);
    let rang = false;

    const alarm = clock.after(millis(2 ** 31), () => {
      rang = true;
    });
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
    alarm.cancel();
    process.off('warning', warned);

    expect(rang).toBe(false);
    expect(warnings).toEqual([]);
  });

  it('tells the wall clock in whole microseconds', () => {
    const wall = new HostClock().wall();

    expect(Number.isSafeInteger(wall)).toBe(true);
    expect(wall).toBeGreaterThan(micros(Date.UTC(2026, 0) * 1_000));
  });
});

describe('HostEntropy', () => {
  it('draws words and floats over their whole range, beyond one pool', () => {
    const entropy = new HostEntropy();
    const words = Array.from({ length: 2_000 }, () => entropy.uint32());
    const floats = Array.from({ length: 2_000 }, () => entropy.float());

    expect(new Set(words).size).toBeGreaterThan(1_990);
    expect(words.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32)).toBe(true);
    expect(Math.min(...floats)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...floats)).toBeLessThan(1);
    expect(Math.max(...floats) - Math.min(...floats)).toBeGreaterThan(0.9);
  });
});
