import type { AddressRange } from './mappings.ts';

/**
 * The only door to C functions. `node:ffi` is experimental: everything here is feature-detected and answers null where
 * it is missing, so that callers fall back. No pointer leaves this file.
 */
type Ffi = typeof import('node:ffi');

/** Loads `node:ffi` without its warning, which would stand in every journal at every start. */
function loadFfi(): Ffi | null {
  // oxlint-disable-next-line typescript/unbound-method -- put back as it was, never called
  const warn = process.emitWarning;
  process.emitWarning = () => undefined;
  try {
    return (process.getBuiltinModule('node:ffi') as Ffi | undefined) ?? null;
  } catch {
    return null;
  } finally {
    process.emitWarning = warn;
  }
}

/** A connectionless socket to one AF_UNIX address. */
export interface UnixDatagram {
  /** False when the kernel did not take it: nobody listens, or the queue is full. Never blocks. */
  send(bytes: Uint8Array): boolean;
  close(): void;
}

/** Linux constants: the same on x64 and arm64. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** `sizeof(sun_path)`, unix(7). */
const pathBytesMax = 108;

/** `path` beginning with `@` is an abstract address. Null where ffi or the address cannot be used. */
export function openUnixDatagram(path: string): UnixDatagram | null {
  const name = Buffer.from(path);
  const isAbstract = path.startsWith('@');
  if (process.platform !== 'linux' || name.length === 0 || name.length >= pathBytesMax) return null;
  const ffi = loadFfi();
  if (ffi === null) return null;
  try {
    const { functions: libc } = ffi.dlopen(null, {
      socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
      sendto: { arguments: ['i32', 'pointer', 'u64', 'i32', 'pointer', 'u32'], return: 'i64' },
      close: { arguments: ['i32'], return: 'i32' },
    });
    const descriptor = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return null;
    // struct sockaddr_un: family, then the path with its closing zero, or a zero and the abstract name without one.
    const address = Buffer.alloc(2 + name.length + (isAbstract ? 0 : 1));
    address.writeUInt16LE(AF_UNIX, 0);
    name.copy(address, 2);
    if (isAbstract) address[2] = 0;
    let open = true;
    return {
      send: (bytes) => {
        if (!open) return false;
        // A copy of its own: the pointer must stay valid for the call, whatever the caller's view points into.
        const message = Buffer.from(bytes);
        const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
        return libc.sendto(descriptor, message, BigInt(message.length), flags, address, address.length) >= 0n;
      },
      close: () => {
        if (open) libc.close(descriptor);
        open = false;
      },
    };
  } catch {
    return null;
  }
}

/** What the kernel says of its clock, adjtimex(2). */
export interface ClockDiscipline {
  readonly synchronized: boolean;
  /** What is still being slewed away. */
  readonly offsetSeconds: number;
}

/** STA_UNSYNC, STA_NANO of adjtimex(2); `struct timex` on 64-bit Linux is 208 bytes. */
const unsynchronized = 0x40;
const nanoseconds = 0x2000;
const timexBytes = 208;

/** Null where the kernel may not be asked (a service's system call filter may forbid it). */
export function readClockDiscipline(): ClockDiscipline | null {
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) return null;
  const ffi = loadFfi();
  if (ffi === null) return null;
  try {
    using library = ffi.dlopen(null, { adjtimex: { arguments: ['pointer'], return: 'i32' } });
    // modes = 0 only reads.
    const timex = Buffer.alloc(timexBytes);
    if (library.functions.adjtimex(timex) < 0) return null;
    const status = timex.readInt32LE(40);
    const offset = Number(timex.readBigInt64LE(8));
    return {
      synchronized: (status & unsynchronized) === 0,
      offsetSeconds: offset / ((status & nanoseconds) === 0 ? 1e6 : 1e9),
    };
  } catch {
    return null;
  }
}

/** EXT4_IOC_SHUTDOWN, `_IOR('X', 125, __u32)`; the flag throws away what the journal has not written yet. */
const ext4Shutdown = 0x80_04_58_7dn;
const withoutFlushingTheLog = 2;

/**
 * Ends an ext4 file system as a power cut does: nothing that was not synced reaches the device any more. `descriptor` is any
 * open file or folder of it. False when the kernel refuses; null where ffi is missing.
 */
export function shutDownExt4(descriptor: number): boolean | null {
  if (process.platform !== 'linux') return null;
  const ffi = loadFfi();
  if (ffi === null) return null;
  try {
    // ioctl(2) is variadic; on x64 and arm64 Linux one pointer is passed as for a function that is not.
    using library = ffi.dlopen(null, { ioctl: { arguments: ['i32', 'u64', 'pointer'], return: 'i32' } });
    const flag = Buffer.alloc(4);
    flag.writeUInt32LE(withoutFlushingTheLog, 0);
    return library.functions.ioctl(descriptor, ext4Shutdown, flag) === 0;
  } catch {
    return null;
  }
}

/** Parameters of mallopt(3). */
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
const M_ARENA_MAX = -8;

/** How glibc's allocator shares out memory; absent: as it stands. */
export interface AllocatorLimits {
  /** Arenas beyond those that threads have taken already. */
  readonly arenasMax?: number;
  /** A larger piece is a mapping of its own, and goes back to the system when freed. */
  readonly mapBytesMin?: number;
  /** Free bytes at the end of the heap that are kept. */
  readonly trimBytesMin?: number;
}

/** False where the allocator is another than glibc's, or cannot be asked. */
export function limitAllocator(limits: AllocatorLimits): boolean {
  if (process.platform !== 'linux') return false;
  const ffi = loadFfi();
  if (ffi === null) return false;
  const parameters = [
    [M_ARENA_MAX, limits.arenasMax],
    [M_MMAP_THRESHOLD, limits.mapBytesMin],
    [M_TRIM_THRESHOLD, limits.trimBytesMin],
  ] as const;
  try {
    const { functions: libc } = ffi.dlopen(null, { mallopt: { arguments: ['i32', 'i32'], return: 'i32' } });
    return parameters.every(([name, value]) => value === undefined || libc.mallopt(name, value) === 1);
  } catch {
    return false;
  }
}

let trim: (() => void) | null | undefined;

/** Returns what glibc's allocator holds unused to the system: malloc_trim(3). False where that cannot be asked. */
export function trimAllocator(): boolean {
  if (trim === undefined) trim = mallocTrim();
  trim?.();
  return trim !== null;
}

function mallocTrim(): (() => void) | null {
  if (process.platform !== 'linux') return null;
  const ffi = loadFfi();
  if (ffi === null) return null;
  try {
    const { functions: libc } = ffi.dlopen(null, { malloc_trim: { arguments: ['u64'], return: 'i32' } });
    return () => libc.malloc_trim(0n);
  } catch {
    return null;
  }
}

const MADV_DONTNEED = 4;

/**
 * Takes pages out of this process that stand in a file just so: they stay in the page cache and come back when touched. Only for
 * mappings of files that nothing was written to, which `unchangedMappings` finds: written pages would be lost.
 */
export function forgetPages(ranges: readonly AddressRange[]): boolean {
  if (process.platform !== 'linux' || ranges.length === 0) return false;
  const ffi = loadFfi();
  if (ffi === null) return false;
  try {
    const { functions: libc } = ffi.dlopen(null, {
      madvise: { arguments: ['pointer', 'u64', 'i32'], return: 'i32' },
    });
    return ranges.every(({ start, bytes }) => libc.madvise(start, bytes, MADV_DONTNEED) === 0);
  } catch {
    return false;
  }
}
