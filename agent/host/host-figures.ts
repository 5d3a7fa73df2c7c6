import { readFile, readdir, statfs } from 'node:fs/promises';
import { cpus, loadavg, totalmem, uptime } from 'node:os';
import type {
  HostFigures,
  HostFiguresSource,
  ProcessFigures,
  ThrottleReason,
} from '../operate/host-figures.ts';
import { readClockDiscipline } from './ffi.ts';

export interface HostFiguresOptions {
  readonly dataFolder: string;
  /** Where /proc and /sys hang; '' outside tests. */
  readonly root?: string;
}

/** The one call of systeminformation that reads /proc only; others start programs, its load of the processor even waits for them. */
interface SystemInformation {
  mem(): Promise<{ total: number; available: number }>;
}

/** Time of all cores since boot. */
interface ProcessorTime {
  readonly busyMs: number;
  readonly totalMs: number;
}

/**
 * Figures from /proc and /sys, directly or through systeminformation: no program is started and the event loop never waits.
 * systeminformation is loaded by module, at the first sample: whole, it costs 7 MiB and 20 ms.
 */
export class HostFiguresReader implements HostFiguresSource {
  readonly #dataFolder: string;
  readonly #root: string;
  #information: SystemInformation | null = null;
  #sensors: readonly string[] | null = null;
  #model: string | null | undefined;
  #descriptorsMax: number | null = null;
  #processorBefore: ProcessorTime | null = null;

  constructor(options: HostFiguresOptions) {
    this.#dataFolder = options.dataFolder;
    this.#root = options.root ?? '';
  }

  async sample(): Promise<HostFigures> {
    this.#information ??= await loadInformation();
    this.#sensors ??= await this.#findSensors();
    if (this.#model === undefined) this.#model = await this.#readModel();
    const [memory, disk, temperatureCelsius, throttled, process] = await Promise.all([
      this.#information.mem(),
      statfs(this.#dataFolder).catch(() => null),
      this.#hottest(this.#sensors),
      this.#throttled(),
      this.#process(),
    ]);
    const discipline = readClockDiscipline();
    return {
      model: this.#model,
      temperatureCelsius,
      throttled,
      diskFreeBytes: disk === null ? null : disk.bavail * disk.bsize,
      diskSizeBytes: disk === null ? null : disk.blocks * disk.bsize,
      memoryAvailableBytes: memory.available,
      memorySizeBytes: totalmem(),
      loadRatio: loadavg()[0]! / Math.max(cpus().length, 1),
      cpuBusyRatio: this.#busyRatio(),
      uptimeSeconds: uptime(),
      clockSynchronized: discipline === null ? await this.#timesyncRan() : discipline.synchronized,
      clockOffsetSeconds: discipline?.synchronized === true ? discipline.offsetSeconds : null,
      process,
    };
  }

  /** Since the sample before; the first has nothing to compare with. */
  #busyRatio(): number | null {
    const now = processorTime();
    const before = this.#processorBefore;
    this.#processorBefore = now;
    if (before === null || now.totalMs <= before.totalMs) return null;
    const ratio = (now.busyMs - before.busyMs) / (now.totalMs - before.totalMs);
    return Math.min(Math.max(ratio, 0), 1);
  }

  /** Files that hold millidegrees of a processor. */
  async #findSensors(): Promise<readonly string[]> {
    const zones = `${this.#root}/sys/class/thermal`;
    const found: string[] = [];
    for (const zone of await entries(zones)) {
      const type = await text(`${zones}/${zone}/type`);
      if (type !== null && processorZone.test(type)) found.push(`${zones}/${zone}/temp`);
    }
    if (found.length > 0) return found.slice(0, sensorsMax);
    const monitors = `${this.#root}/sys/class/hwmon`;
    for (const monitor of await entries(monitors)) {
      if (!processorMonitor.test((await text(`${monitors}/${monitor}/name`)) ?? '')) continue;
      for (const file of await entries(`${monitors}/${monitor}`)) {
        if (/^temp\d+_input$/.test(file)) found.push(`${monitors}/${monitor}/${file}`);
      }
    }
    return found.slice(0, sensorsMax);
  }

  async #hottest(sensors: readonly string[]): Promise<number | null> {
    const texts = await Promise.all(sensors.map(text));
    const degrees = texts.filter((value) => value !== null).map((value) => Number(value) / 1_000);
    const known = degrees.filter(Number.isFinite);
    return known.length === 0 ? null : Math.max(...known);
  }

  /** The firmware's flags in hexadecimal; bits 0 to 3 hold now, 16 to 19 have held since boot. */
  async #throttled(): Promise<readonly ThrottleReason[] | null> {
    const flags = await text(`${this.#root}/sys/devices/platform/soc/soc:firmware/get_throttled`);
    if (flags === null) return null;
    const bits = Number.parseInt(flags, 16);
    return Number.isNaN(bits) ? null : throttleBits.filter((_, bit) => ((bits >>> bit) & 1) === 1);
  }

  async #readModel(): Promise<string | null> {
    const model =
      (await text(`${this.#root}/proc/device-tree/model`)) ??
      (await text(`${this.#root}/sys/class/dmi/id/product_name`));
    return model === null || model === '' ? null : model.slice(0, 100);
  }

  /** systemd-timesyncd leaves this mark where the kernel may not be asked. */
  async #timesyncRan(): Promise<boolean | null> {
    return (await text(`${this.#root}/run/systemd/timesync/synchronized`)) === null ? null : true;
  }

  async #process(): Promise<ProcessFigures> {
    const { user, system } = process.cpuUsage();
    const [stat, descriptors] = await Promise.all([
      text(`${this.#root}/proc/self/stat`),
      entries(`${this.#root}/proc/self/fd`),
    ]);
    this.#descriptorsMax ??= await this.#readDescriptorsMax();
    // Field 23 of proc_pid_stat(5), counted behind the name, which may hold blanks.
    const virtual = stat === null ? Number.NaN : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[20]);
    return {
      cpuSeconds: (user + system) / 1e6,
      residentBytes: process.memoryUsage.rss(),
      virtualBytes: Number.isFinite(virtual) ? virtual : null,
      startSeconds: performance.timeOrigin / 1_000,
      openDescriptors: descriptors.length === 0 ? null : descriptors.length,
      descriptorsMax: this.#descriptorsMax,
    };
  }

  async #readDescriptorsMax(): Promise<number | null> {
    const match = /^Max open files\s+(\d+)/m.exec((await text(`${this.#root}/proc/self/limits`)) ?? '');
    return match === null ? null : Number(match[1]);
  }
}

const processorZone = /cpu|soc|x86_pkg|coretemp|package|big|little/i;
const processorMonitor = /^(coretemp|k10temp|zenpower|cpu_thermal|soc_thermal)/;
/** A machine with more cores tells enough by its first ones. */
const sensorsMax = 16;
const throttleBits = ['under_voltage', 'frequency_capped', 'throttled', 'soft_temperature_limit'] as const;

function processorTime(): ProcessorTime {
  let idleMs = 0;
  let totalMs = 0;
  for (const { times } of cpus()) {
    idleMs += times.idle;
    totalMs += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { busyMs: totalMs - idleMs, totalMs };
}

async function loadInformation(): Promise<SystemInformation> {
  // @ts-expect-error the package types its entry only
  const memory = (await import('systeminformation/lib/memory.js')) as { default: SystemInformation };
  return { mem: () => memory.default.mem() };
}

/** A small file's text without its end, or null. */
async function text(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).replace(/[\0\s]+$/, '');
  } catch {
    return null;
  }
}

async function entries(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch {
    return [];
  }
}
