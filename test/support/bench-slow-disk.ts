import { existsSync, mkdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const controller = '/sys/fs/cgroup/blkio';

/**
 * A control group (cgroup v1, blkio) whose processes write so many bytes a second to the device below a folder and no more: the
 * device is as it is, they only have less of it. Needs root.
 */
export class SlowDisk {
  readonly #group: string;
  readonly #device: string;

  private constructor(group: string, device: string) {
    this.#group = group;
    this.#device = device;
  }

  /** As fast as it is until `limit` is called. A reason instead, where the host does not let us. */
  static make(folder: string): SlowDisk | string {
    if (!existsSync(controller)) return 'no blkio control group (cgroup v1) on this host';
    const group = join(controller, `sedge-bench-${process.pid}`);
    const { dev } = statSync(folder);
    const disk = new SlowDisk(group, `${major(dev)}:${minor(dev)}`);
    try {
      mkdirSync(group);
      disk.limit(2 ** 40);
    } catch (error) {
      return `the device below ${folder} can not be throttled: ${(error as Error).message}`;
    }
    return disk;
  }

  limit(bytesPerSecond: number): void {
    const file = join(this.#group, 'blkio.throttle.write_bps_device');
    writeFileSync(file, `${this.#device} ${Math.round(bytesPerSecond)}`);
  }

  /** Put before a command, it runs the command in the group. */
  get wrap(): readonly string[] {
    return ['/bin/sh', '-c', `echo $$ > ${this.#group}/cgroup.procs && exec "$@"`, 'sh'];
  }

  /** After the last process of the group ended. */
  remove(): void {
    rmdirSync(this.#group);
  }
}

/** Linux packs device numbers as glibc's `gnu_dev_major` says. */
function major(dev: number): number {
  return Math.floor(dev / 256) % 4096;
}

function minor(dev: number): number {
  return (dev % 256) + Math.floor(dev / 2 ** 20) * 256;
}
