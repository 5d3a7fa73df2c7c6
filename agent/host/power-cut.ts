import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  rmdirSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf, SedgeError } from '../base/errors.ts';
import { shutDownExt4 } from './ffi.ts';

/** A process that was killed may hold its files for a moment longer: at most 5 s in all. */
const unmountTriesMax = 50;
const unmountPauseMs = 100;
/** A process that was told to stand still may finish what its threads do on other cores: at most 1 s. */
const standstillTriesMax = 1000;
const standstillPauseMs = 1;

export interface LoopDiskOptions {
  /** Exists; the image and the mount point are made in it. */
  readonly folder: string;
  readonly bytes: number;
  /**
   * Processes that work on the disk: they lose their power with it. They are killed when this process ends before `remove`, so
   * that it can be unmounted.
   */
  readonly holders: () => readonly (number | undefined)[];
}

/**
 * An ext4 file system of its own in a file, mounted through a loop device, whose power can be cut. Far harsher than the end
 * of a process, which leaves everything written in the page cache. What the kernel has handed to the device counts as kept:
 * a device that lies about its flushes is beyond this.
 */
export class LoopDisk {
  readonly mountPoint: string;
  readonly #image: string;
  readonly #holders: LoopDiskOptions['holders'];
  #mounted = false;
  readonly #atExit = (): void => this.#abandon();

  private constructor({ folder, holders }: LoopDiskOptions) {
    this.mountPoint = join(folder, 'disk');
    this.#image = join(folder, 'disk.img');
    this.#holders = holders;
  }

  /** @throws {SedgeError} SEDGE_HOST_UNSUPPORTED, in one line, when this host does not allow it. */
  static create(options: LoopDiskOptions): LoopDisk {
    if (process.platform !== 'linux') throw unsupported('needs Linux');
    if (process.getuid?.() !== 0) throw unsupported('takes root to mount a file system');
    const disk = new LoopDisk(options);
    disk.#format(options.bytes);
    process.on('exit', disk.#atExit);
    try {
      disk.#mount();
    } catch (error) {
      process.off('exit', disk.#atExit);
      rmSync(disk.#image, { force: true });
      rmdirSync(disk.mountPoint);
      throw error;
    }
    return disk;
  }

  /**
   * From now on every write and every sync fails, and what was not synced is gone. The holders stand still from before it on and
   * are to be killed: a sync the kernel is in when its file system is shut down may come back as done and be lost, and only a
   * process without power cannot tell of it.
   */
  cut(): void {
    for (const pid of this.#holders()) if (pid !== undefined) freeze(pid);
    const descriptor = openSync(this.mountPoint, 'r');
    try {
      const done = shutDownExt4(descriptor);
      if (done === null) throw unsupported('needs node:ffi, which this Node does not have');
      if (!done) throw unsupported('needs a kernel that can shut an ext4 file system down');
    } finally {
      closeSync(descriptor);
    }
  }

  /** The power is back: unmounts and mounts anew, which replays the file system's journal. No process may hold a file of it. */
  async replug(): Promise<void> {
    await this.#unmount();
    this.#mount();
  }

  /** Unmounts and deletes. Safe to call twice. */
  async remove(): Promise<void> {
    await this.#unmount();
    process.off('exit', this.#atExit);
    rmSync(this.#image, { force: true });
    rmSync(this.mountPoint, { recursive: true, force: true });
  }

  #format(bytes: number): void {
    mkdirSync(this.mountPoint, { recursive: true });
    closeSync(openSync(this.#image, 'w', 0o600));
    truncateSync(this.#image, bytes);
    command('mkfs.ext4', ['-q', '-F', '-m', '0', this.#image]);
  }

  #mount(): void {
    command('mount', ['-t', 'ext4', '-o', 'loop', this.#image, this.mountPoint]);
    this.#mounted = true;
  }

  async #unmount(): Promise<void> {
    for (let tries = 1; this.#mounted; tries++) {
      try {
        command('umount', [this.mountPoint]);
        this.#mounted = false;
      } catch (error) {
        if (tries === unmountTriesMax) throw error;
        await new Promise((resolve) => setTimeout(resolve, unmountPauseMs));
      }
    }
  }

  /** The process ends in the middle: leaves no mount behind. The image stays where it is, for whoever looks into it. */
  #abandon(): void {
    if (!this.#mounted) return;
    for (const pid of this.#holders()) {
      try {
        if (pid !== undefined) process.kill(pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
    }
    spawnSync('umount', ['--lazy', this.mountPoint], { stdio: 'ignore' });
    this.#mounted = false;
  }
}

/** Stops a process: returns once none of its threads can run on outside the kernel. */
function freeze(pid: number): void {
  try {
    process.kill(pid, 'SIGSTOP');
  } catch {
    return; // It is gone already.
  }
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; !standsStill(pid); tries++) {
    if (tries === standstillTriesMax) throw unsupported('could not make the process on the disk stand still');
    Atomics.wait(pause, 0, 0, standstillPauseMs);
  }
}

/** Whether each thread is stopped (T, t), held by a device inside of a call (D), or gone (Z, X). */
function standsStill(pid: number): boolean {
  return threadsOf(pid).every((thread) => {
    try {
      // After the name in brackets, which may hold anything.
      return /\) [TtDZX] [^)]*$/.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'));
    } catch {
      return true; // It ended meanwhile.
    }
  });
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function command(name: string, parameters: readonly string[]): void {
  const { error, status, stderr } = spawnSync(name, parameters, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    // mkfs and mount live where an ordinary PATH does not look.
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' },
  });
  if (error !== undefined) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw unsupported(missing ? `needs ${name}, which is not installed` : messageOf(error));
  }
  if (status !== 0) throw unsupported(`could not run ${name}: ${stderr.trim().split('\n').at(-1) ?? ''}`);
}

function unsupported(why: string): SedgeError {
  return new SedgeError('SEDGE_HOST_UNSUPPORTED', `no power can be cut on this host: it ${why}`, {
    hint: 'run it as root on a Linux with loop devices and e2fsprogs, or run sedge prove --kill',
  });
}
